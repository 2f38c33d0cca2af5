"""Every error DermTree raises on purpose, in one tree.

DermTreeError
|- TaxonomyError            the tree file breaks a rule (cycle, orphan, duplicate id, ...)
|- PartitionError           counts or limits from which no partition can be made
|- CrosswalkError           a data-set label the crosswalk does not know
|- UnreadableImage          the bytes are no image we can read
|  |- EmptyFile             no bytes at all
|  |- NotAnImage            text, PDF, archive, ... by content
|  |- TruncatedImage        ends before the picture is complete
|  |- ImageTooLarge         too many bytes or pixels
|  |- AnimatedImage         several frames, which of them is meant?
|  `- UnsupportedImage      an image, but of a kind we do not read (SVG, odd DICOM, ...)
|- ManifestError            the manifest file breaks a rule
|- BundleError              a model bundle that must not be used
|  |- WrongTaxonomy         made for another tree
|  `- UnsupportedFormat     made by a newer DermTree
|- WeightsUnavailable       initial weights could not be read or downloaded
|- TrainingError            training cannot start or go on
|- ImportProblem            a data set's official files are not where or what they should be
|- CurationError            a workspace of curated data cannot be used, or a step was asked for too early
|- SplitError               a split that cannot be made, or in which a group straddles
|- JobError                 a job that cannot be started, read or stopped
|- RecordsError             the database or image store cannot be used, or a record breaks a rule
|  `- AlreadyAnswered       a reading that is there already, e.g. from another tab
|- AccessError              the roles file or the settings of the login cannot be used
|- ReportError              a report that would not say what it should
|- NotAllowed               the role of whoever acts lacks the right
|  `- NotSignedIn           nobody is signed in, or the session has ended
`- Cancelled                somebody stopped the work; what was finished is kept

A message says the rule, what was found and what to do next.
"""

from __future__ import annotations


class DermTreeError(Exception):
    """Base of all errors with a message meant for the user."""


class TaxonomyError(DermTreeError):
    """The taxonomy file breaks a rule."""


class PartitionError(DermTreeError):
    """No partition can be made from these counts and this limit."""


class CrosswalkError(DermTreeError):
    """A data-set label is not in the crosswalk."""


class UnreadableImage(DermTreeError):
    """The bytes could not be turned into pixels."""


class EmptyFile(UnreadableImage):
    """The file holds no bytes."""


class NotAnImage(UnreadableImage):
    """The content is not an image."""


class TruncatedImage(UnreadableImage):
    """The file ends before the picture is complete."""


class ImageTooLarge(UnreadableImage):
    """More bytes or pixels than the limits allow."""


class AnimatedImage(UnreadableImage):
    """Several frames, and no way to know which one is meant."""


class UnsupportedImage(UnreadableImage):
    """An image of a kind DermTree does not read."""


class ManifestError(DermTreeError):
    """The manifest file breaks a rule."""


class BundleError(DermTreeError):
    """The model bundle must not be used."""


class WrongTaxonomy(BundleError):
    """The bundle was made for another taxonomy."""


class UnsupportedFormat(BundleError):
    """The bundle was written in a format this version does not know."""


class WeightsUnavailable(DermTreeError):
    """Initial weights could not be read or downloaded."""


class TrainingError(DermTreeError):
    """Training cannot start or go on."""


class ImportProblem(DermTreeError):
    """A data set's official files are not where or what they should be."""


class CurationError(DermTreeError):
    """A workspace of curated data cannot be used, or a step was asked for before the one it needs."""


class SplitError(DermTreeError):
    """A split cannot be made, or a group lies in two of its parts."""


class EvaluationError(DermTreeError):
    """Answers of a bundle cannot be judged, kept or read."""


class JobError(DermTreeError):
    """A job cannot be started, read or stopped."""


class RecordsError(DermTreeError):
    """The database or the image store cannot be used, or a record breaks a rule."""


class AlreadyAnswered(RecordsError):
    """The reading is there already, e.g. from another tab."""


class TruthTold(RecordsError):
    """The reader knows what the images show, so that answers cannot be corrected any more."""


class AccessError(DermTreeError):
    """The roles file or the settings of the login cannot be used, so nobody is let in."""


class ReportError(DermTreeError):
    """A report cannot be made so that it says what it should."""


class NotAllowed(DermTreeError):
    """The role of whoever acts lacks the right."""


class NotSignedIn(NotAllowed):
    """Nobody is signed in, or the session has ended."""


class Cancelled(DermTreeError):
    """Somebody stopped the work; what was finished is kept."""
