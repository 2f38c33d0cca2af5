"""Keys of the session's state for saving to a case, for the Cases page and for the audit log."""

from __future__ import annotations

# widgets of "Save to a case"
SAVE_PATIENT = "save_patient"
SAVE_LESION = "save_lesion"
SAVE_NEW_LESION = "save_new_lesion"
SAVE_SITE = "save_site"
SAVE_SIDE = "save_side"
SAVE_MAP = "save_map"
SAVE_DAY = "save_day"
SAVE_NOTE = "save_note"
SAVE_MODALITY = "save_modality"  # and the number of the image

# widgets of the Cases page
SECTION = "cases_section"
SEARCH = "cases_search"
SITE = "cases_site"
SIDE = "cases_side"
OUTCOME = "cases_outcome"
DIAGNOSIS = "cases_diagnosis"  # what is typed; the node chosen of it is `DIAGNOSIS_NODE`
DIAGNOSIS_NODE = "cases_diagnosis_node"
BUNDLE = "cases_bundle"
DAY_FROM = "cases_from"
DAY_TO = "cases_to"
PAGE = "cases_page"
QUESTION = "cases_question"
LEFT = "cases_left"
RIGHT = "cases_right"
# of the form for an outcome: and the id of the case
NODE_SEARCH = "cases_outcome_search"
NODE = "cases_outcome_node"
CONFIRMED_BY = "cases_confirmed_by"
DIAGNOSED_ON = "cases_diagnosed_on"
CLINIC_BUNDLE = "clinic_bundle"
CLINIC_QUESTION = "clinic_question"
CLINIC_DECIDED = "clinic_decided"
CLINIC_PROVEN = "clinic_proven"

# widgets of the Audit page
AUDIT_WHO = "audit_who"
AUDIT_ACTION = "audit_action"
AUDIT_SUBJECT = "audit_subject"
AUDIT_FROM = "audit_from"
AUDIT_TO = "audit_to"
AUDIT_PAGE = "audit_page"
AUDIT_EXPECTED = "audit_expected"

# our own
OPEN_CASE = "dermtree_open_case"
SAVED = "dermtree_saved_case"
SAVE_PROBLEM = "dermtree_save_problem"
SAVED_BEFORE = "dermtree_saved_before"
PICTURES = "dermtree_case_pictures"
DELETING = "dermtree_deleting_records"
VERIFIED = "dermtree_verified"
