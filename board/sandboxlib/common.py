"""What the parts share."""

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
PERSON = {"name": "Alice Example", "given": "Alice", "family": "Example",
          "email": "alice@example.com", "login": "alice-example"}

# What a request can be for. Polls and refreshes differ though they may share one URL.
ENDPOINTS = ("device", "poll", "refresh", "userinfo", "revocation", "oauth_discovery",
             "openid_discovery")


class Mistake(Exception):
    """Something the person who started the sandbox has to put right."""
