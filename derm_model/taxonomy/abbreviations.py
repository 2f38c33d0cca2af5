"""Abbreviations of dermatology, as labels of data sets and search boxes hold them, and spellings that mean the same."""

from __future__ import annotations

import re
import unicodedata

from derm_model.taxonomy.node import fold

# folded abbreviation -> a name a tree may have; looked up in the tree in use, so one it lacks is simply not found
ABBREVIATIONS = {
    "ad": "atopic dermatitis",
    "afx": "atypical fibroxanthoma",
    "ak": "actinic keratosis",
    "akiec": "actinic keratosis",
    "ack": "actinic keratosis",
    "agep": "acute generalized exanthematous pustulosis",
    "an": "acanthosis nigricans",
    "bcc": "basal cell carcinoma, not otherwise specified",
    "bd": "bowen disease",
    "bkl": "pigmented benign keratosis",
    "bp": "bullous pemphigoid",
    "ca": "cherry angioma",
    "ccca": "central centrifugal cicatricial alopecia",
    "cn": "congenital nevus",
    "cmn": "congenital melanocytic nevus",
    "ctcl": "cutaneous T-cell lymphoma",
    "df": "dermatofibroma",
    "dfsp": "dermatofibrosarcoma protuberans",
    "dh": "dermatitis herpetiformis",
    "dle": "discoid lupus erythematosus",
    "dn": "dysplastic nevus",
    "eb": "epidermolysis bullosa",
    "em": "erythema multiforme",
    "en": "erythema nodosum",
    "ga": "granuloma annulare",
    "hs": "hidradenitis suppurativa",
    "hsv": "herpes simplex",
    "jxg": "juvenile xanthogranuloma",
    "ka": "keratoacanthoma",
    "kp": "keratosis pilaris",
    "ks": "kaposi sarcoma",
    "lch": "langerhans cell histiocytosis",
    "lm": "lentigo maligna",
    "lmm": "lentigo maligna melanoma",
    "lp": "lichen planus",
    "lplk": "lichen planus-like keratosis",
    "lsc": "lichen simplex chronicus",
    "lyp": "lymphomatoid papulosis",
    "mcc": "merkel cell carcinoma",
    "mel": "melanoma, not otherwise specified",
    "mf": "mycosis fungoides",
    "mm": "melanoma, not otherwise specified",
    "nev": "melanocytic nevus, not otherwise specified",
    "nv": "melanocytic nevus, not otherwise specified",
    "nld": "necrobiosis lipoidica",
    "nmsc": "malignant epidermal",
    "pg": "pyogenic granuloma",
    "pr": "pityriasis rosea",
    "prp": "pityriasis rubra pilaris",
    "pv": "pemphigus vulgaris",
    "scc": "squamous cell carcinoma",
    "sccis": "squamous cell carcinoma in situ",
    "sek": "seborrheic keratosis",
    "sjs": "stevens-johnson syndrome",
    "sk": "seborrheic keratosis",
    "sl": "solar lentigo",
    "ssm": "superficial spreading melanoma",
    "ten": "toxic epidermal necrolysis",
    "vasc": "benign vascular tumors",
    "vv": "common wart",
}
# British to American; on both sides of a comparison, so that it need not be right English
_SPELLINGS = (("ae", "e"), ("oe", "e"), ("our", "or"), ("isation", "ization"))
_LATIN_PLURAL = re.compile(r"(?<=\w{3})ae\b")  # petechiae, before its ae is taken for a British spelling
_PLURALS = (
    (re.compile(r"(?<=\w{3})oses\b"), "osis"),
    (re.compile(r"(?<=\w{2})omata\b"), "oma"),
    (re.compile(r"(?<=\w{3})omas\b"), "oma"),
    (re.compile(r"\bnevi\b"), "nevus"),
    (re.compile(r"(?<=\w{3})igines\b"), "igo"),
    (re.compile(r"(?<=\w{3})itides\b"), "itis"),
    (re.compile(r"(?<=\w{3})ies\b"), "y"),
    (re.compile(r"(?<=\w{3}[^isu])s\b"), ""),
)


def plain(text: str) -> str:
    """Return `text` folded, without accents and in one spelling: nobody types the accent in a search box.

    >>> plain("Naevus sebaceus of Jadassohn"), plain("Haemangioma"), plain("Ménétrier")
    ('nevus sebaceus of jadassohn', 'hemangioma', 'menetrier')
    """
    apart = unicodedata.normalize("NFKD", text)
    folded = fold("".join(letter for letter in apart if not unicodedata.combining(letter)))
    folded = _LATIN_PLURAL.sub("a", folded)
    for written, meant in _SPELLINGS:
        folded = folded.replace(written, meant)
    return folded


def singular(text: str) -> str:
    """Return a plain text with its plurals in the singular.

    >>> singular("actinic keratoses"), singular("melanocytic nevi"), singular("warts")
    ('actinic keratosis', 'melanocytic nevus', 'wart')
    """
    for pattern, ending in _PLURALS:
        text = pattern.sub(ending, text)
    return text
