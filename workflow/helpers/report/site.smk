# What the site shows.
from sisr.report.site import learn


def facts_of(model):
    """A model's registry entry, with the licence of its weights, which their asset states."""
    entry = entry_of(model)
    found = licences_of(entry)
    return {
        **entry,
        "weights_licence": found.weights,
        "licence_also_stated": found.also_stated,
    }


def site_cells():
    """Cells whose images the site shows, as `dataset/kernel/xSCALE/model`."""
    return [f"{d}/{k}/x{s}/{m}" for d, k, s, m in RUN.cells] if RUN.site_images else []


def said_on_site():
    """What the paragraph of methods quotes from the registries."""
    protocols = registry.load("protocols")
    return {
        "measures": measure_entries(RUN.measures),
        "protocols": {
            m.protocol: kept(protocols[m.protocol], "label", "description")
            for m in map(parse_measure, RUN.measures)
        },
        "kernels": {name: kernels.described(name)["source"] for name in RUN.values("kernel")},
    }


def training_curves():
    """(label, scale, what makes it) of the curves of every scale."""
    return [(label, scale, made_by) for scale in SCALES for label, made_by in all_curves(scale).items()]


def parts_of_cell(wildcards):
    """Scores of a cell by block, one file a shard."""
    return [
        path.replace("<results>/sr/", "<results>/scores/").removesuffix(".json") + ".parts.json"
        for path in sr_of_cell(wildcards)
    ]


def site_images():
    return [f"<results>/site/images/{cell}.json" for cell in site_cells()]


def site_originals():
    sets = dict.fromkeys(cell.rpartition("/")[0] for cell in site_cells())
    return [f"<results>/site/images/{name}/_originals" for name in sets]


def own_lessons():
    """(study, file) of what the run itself makes for learners; the documentation has the rest."""
    studies = [
        (name, path) for name in RUN.studies for path in (*STUDY_ITEMS, f"<results>/studies/{name}.json")
    ]
    found = [
        (name, path)
        for name, path in studies
        if path.startswith(f"<results>/studies/{name}") and not path.endswith(".csv")
    ]
    return [*(("loss_study", path) for path in loss_study_items()), *found]


def said_by_files():
    """Files of the project that the site quotes: published values, papers, and the index of the studies."""
    index = learn.DOCS / "studies" / "README.md"
    return [
        registry.find("references.yaml"),
        registry.find("citations.bib"),
        *([index] if index.is_file() else []),
    ]
