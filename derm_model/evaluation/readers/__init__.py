"""The statistics of a reader study: readers against the network, with and without its help.

readings       what one answer is, and the table of all      csv_file    readings from and to CSV, anonymous too
points         sensitivity and specificity of each, mean     classes     accuracy and confusion with several answers
against_curve  who lies below the network's curve            curve_gap   how far from it, and how sure that is
mrmc           readers and cases as random (OR, Hillis)      crossed     the part of a study that mrmc can judge
agreement      Fleiss' kappa, Cohen's with the network       ai_help     what help changed, and whom it misled
text           the sentences
"""

from derm_model.evaluation.readers.points import MeanPoint, ReaderPoint
from derm_model.evaluation.readers.readings import ImageKey, Panel, Reading, latest, panel

__all__ = ["ImageKey", "MeanPoint", "Panel", "Reading", "ReaderPoint", "latest", "panel"]
