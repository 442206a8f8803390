"""The sandbox authorization server, in parts: `board/sandbox` starts it.

server      one running server: what it is told, what it records, what tests do with it
settings    what can be set from Python, the command line and over HTTPS
wire        TLS and HTTP; `script` changes answers on their way out; `control` is /sandbox/
grants      codes, tokens, and families of tokens; `checks` is what every request has to keep
personality the endpoints of a provider; `dialects` is the table of how providers differ
discovery   metadata documents; `pages` is what a person sees; `authority` makes certificates
"""
