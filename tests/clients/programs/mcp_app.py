"""The MCP Python SDK on both sides, as mcp.mjs: a server that takes access tokens, and a client that is led to the authorization
server, calls a tool, and refreshes. A client that is not told which scopes are needed asks for those of the discovery document."""

import asyncio
import time
from urllib.parse import parse_qsl, urlsplit

import httpx2
import jwt
from jwt import PyJWKClient
from mcp.client.auth import OAuthClientProvider, TokenStorage
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata
from program import HttpUserAgent, case, done, printed, run, same, serve_asgi, step


def serve():
    """The server, with its printed lines."""
    lines = "\n".join(part["lines"] for part in case["application_of_server"])
    lines = lines.replace("https://mcp.example.com/mcp", case["url"])
    if not case["scopes"]:
        lines = "\n".join(line for line in lines.splitlines() if "required_scopes" not in line)
    names = {name: globals()[name] for name in ("AccessToken", "AuthSettings", "PyJWKClient", "TokenVerifier", "jwt")}
    known = run(lines, **names)
    server = MCPServer("notes", token_verifier=known["Verifier"](), auth=known["auth"])

    @server.tool()
    def scopes() -> str:
        return " ".join(get_access_token().scopes)

    serve_asgi(server.streamable_http_app(streamable_http_path=urlsplit(case["url"]).path or "/"))


class Kept(TokenStorage):
    """Storage of tokens; what it knows of the client is printed."""

    tokens = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def set_client_info(self, info):
        raise AssertionError(f"a client was registered: {info}")


class_lines = "\n".join(f"    {line}" for line in printed().splitlines())
Storage = run(f"class Storage(Kept):\n{class_lines}\n", Kept=Kept, OAuthClientInformationFull=OAuthClientInformationFull)["Storage"]
storage = Storage()
signed_in = []


async def to_server(url):
    """A browser's part: it signs in at the authorization server, and brings the code."""
    agent = HttpUserAgent(case["issuer"], case["username"], case["password"])
    signed_in.append(dict(parse_qsl(urlsplit(await asyncio.to_thread(agent.authorize, url)).query)))


async def back():
    answer = signed_in[-1]
    assert "error" not in answer, answer
    return AuthorizationCodeResult(code=answer["code"], state=answer["state"], iss=answer["iss"])


async def scopes(http):
    """Connects, and calls the tool."""
    async with Client(streamable_http_client(case["url"], http_client=http)) as client:
        return (await client.call_tool("scopes", {})).content[0].text.split()


async def main():
    info = await storage.get_client_info()
    metadata = OAuthClientMetadata(redirect_uris=info.redirect_uris, token_endpoint_auth_method="none")
    provider = OAuthClientProvider(case["url"], metadata, storage, to_server, back)
    async with httpx2.AsyncClient(auth=provider, follow_redirects=True) as http:
        expected = "mcp:tools" if case["scopes"] else "offline_access"
        assert expected in await scopes(http), "scopes of the token"
        step("signed in, and called a tool")

        before = storage.tokens
        provider.context.token_expiry_time = time.time() - 1
        assert expected in await scopes(http), "scopes of the token after a refresh"
        same(len(signed_in), 1, "how often somebody signed in")
        assert storage.tokens.refresh_token != before.refresh_token, "the refresh token is rotated"
        step("refreshed")


serve()
asyncio.run(main())
done()
