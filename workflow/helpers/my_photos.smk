# One's own pictures as LR.

# What stands for dataset and kernel of LR pictures of one's own in paths; they have no HR, and so are no cells.
LR_PHOTOS = f"{my_photos.DATASET}/{my_photos.GIVEN}"
PHOTO_MEASURES = my_photos.measures_of(RUN.measures)
PHOTO_NAMES = {"measures": PHOTO_MEASURES, "models": RUN.values("model")}


def photo_items():
    """What is shown of LR pictures of one's own, where the run has such."""
    scales = RUN.values("scale") if RUN.my_photos and RUN.my_photos.lr else []
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
