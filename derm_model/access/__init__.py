"""Who may do what: roles, the file that gives them, claims of an OpenID provider, sessions that end. No Streamlit."""

from derm_model.access.roles import LOCAL, RIGHTS, Person, Right, Role, check_right

__all__ = ["LOCAL", "RIGHTS", "Person", "Right", "Role", "check_right"]
