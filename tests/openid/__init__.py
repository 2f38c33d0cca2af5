"""An OpenID provider on this machine, which can be asked to cheat."""
