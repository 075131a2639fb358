# What is shown of LR user images.


USER_NAMES = {"measures": USER_MEASURES, "models": RUN.values("model")}


def user_items():
    """What is shown of LR user images, where the run has such."""
    scales = SCALES if RUN.user_images and RUN.user_images.lr else []
    return [
        *collect("<results>/user_images/x{scale}.{form}", scale=scales, form=["csv", "md", "tex", "html"]),
        *collect(
            "<results>/user_images/crops_x{scale}_{number}.jpg",
            scale=scales,
            number=range(1, RUN.crops_per_set + 1),
        ),
    ]


def sr_of_user_images(wildcards):
    return [
        f"<results>/sr/{USER_LR}/x{wildcards.scale}/{model}/0of1.json"
        for model in models_of_scale(wildcards.scale)
    ]
