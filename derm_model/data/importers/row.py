"""What one row of a data set's official files says, before anything is looked up or checked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OfficialRow:
    """One image as its data set describes it, in the data set's own words; "" or None is unknown.

    Attributes
    ----------
    image_id
        The data set's name of the image.
    file
        A file name, a stem without suffix, or a path relative to the image folder; by default the image_id.
    label
        The data set's own diagnosis, looked up in the crosswalk under `source`.
    node
        A taxonomy node (id, name or synonym) for data sets that name diseases directly; wins over the label.
    source
        The data set's name in the crosswalk; by default the importer's.
    labels_of
        The data set of the crosswalk whose labels these are, where that is not the source.
    licence
        By default the importer's.
    modality, lesion_id, patient_id, confirmed_by, official_split, fitzpatrick_type, age, sex, site
        As in the manifest. Synonyms and missing words ("unknown", "dermoscopy") are understood by the schema.
    links
        Keys made by `derm_model.data.schema.link`: any two images that share one belong together.
    left_out
        Why the importer itself leaves the row out; it is reported under this reason, and its file counts as named.
    """

    image_id: str
    file: str = ""
    label: str | None = None
    node: str | None = None
    source: str | None = None
    labels_of: str | None = None
    modality: str | None = None
    lesion_id: str | None = None
    patient_id: str | None = None
    confirmed_by: str | None = None
    official_split: str | None = None
    fitzpatrick_type: str | None = None
    age: str | None = None
    sex: str | None = None
    site: str | None = None
    licence: str | None = None
    links: tuple[str, ...] = ()
    left_out: str | None = None
