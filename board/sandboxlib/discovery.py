"""Metadata documents: RFC 8414's and OpenID Connect Discovery's."""

from .common import DEVICE_GRANT
from .wire import Answer

ENDPOINT_KEYS = ("device_authorization_endpoint", "token_endpoint", "userinfo_endpoint",
                 "revocation_endpoint")


def document(sandbox, endpoint):
    """The answer to a request for one of the two; `endpoint` names which."""
    mode = getattr(sandbox, endpoint)
    if mode == "absent":
        return Answer(404)
    value = metadata(sandbox)
    if mode == "wrong-issuer":
        value["issuer"] = "https://issuer.example"
    elif mode == "http-endpoints":
        value.update({key: "http" + value[key].removeprefix("https")
                      for key in ENDPOINT_KEYS if key in value})
    elif mode == "without-device":
        del value["device_authorization_endpoint"]
        value["grant_types_supported"].remove(DEVICE_GRANT)
    return Answer.json(200, value, mode)


def metadata(sandbox):
    """The document as it should be."""
    urls, dialect = sandbox.endpoints, sandbox.personality.dialect
    # The provider's one token endpoint is where refreshes go, should polls go elsewhere.
    urls["token_endpoint"] = sandbox.refresh_endpoint
    value = {"issuer": sandbox.issuer, **{key: urls[key] for key in ENDPOINT_KEYS if key in urls},
             "authorization_endpoint": sandbox.origin + "/authorize",
             "jwks_uri": sandbox.origin + "/jwks", "response_types_supported": ["code"],
             "subject_types_supported": ["public"],
             "id_token_signing_alg_values_supported": ["RS256"],
             "scopes_supported": list(dialect.scopes),
             "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_GRANT],
             "token_endpoint_auth_methods_supported": list(dialect.authentication_methods)}
    return {**value, **dialect.metadata}
