# What is shown of LR pictures of one's own.


PHOTO_NAMES = {"measures": PHOTO_MEASURES, "models": RUN.values("model")}


def photo_items():
    """What is shown of LR pictures of one's own, where the run has such."""
    scales = SCALES if RUN.my_photos and RUN.my_photos.lr else []
    return [
        *collect("<results>/my_photos/x{scale}.{form}", scale=scales, form=["csv", "md", "tex", "html"]),
        *collect(
            "<results>/my_photos/crops_x{scale}_{number}.jpg",
            scale=scales,
            number=range(1, RUN.crops_per_set + 1),
        ),
    ]


def sr_of_photos(wildcards):
    return [
        f"<results>/sr/{LR_PHOTOS}/x{wildcards.scale}/{model}/0of1.json"
        for model in models_of_scale(wildcards.scale)
    ]
