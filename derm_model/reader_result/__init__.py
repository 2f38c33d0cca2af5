"""What came of a reader study as one object: readers, truth and the network's answers, for page, CSV, JSON and figure.

material     what the records hold about a study      network      the network's answers to its images, kept on disk
yes_no       a question with two answers              classes      one with more
result       all of it together                       text         sentences and rows of tables
as_json      the result as JSON                       tables       readings, readers and images as CSV, anonymous
incoming     a file of readings before its import     beside       readers' matrices beside an evaluation's
"""

from derm_model.reader_result.material import Material, collect
from derm_model.reader_result.network import NetworkAnswers
from derm_model.reader_result.result import StudyResult, study_result

__all__ = ["Material", "NetworkAnswers", "StudyResult", "collect", "study_result"]
