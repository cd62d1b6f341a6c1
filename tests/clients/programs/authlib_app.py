"""Authlib's Starlette integration, and without PKCE, as most of its examples have it: `token["userinfo"]` from the ID token,
refresh, RP-initiated logout."""

from authlib.integrations.starlette_client import OAuth
from program import Visitor, case, done, printed, run, same, serve_asgi, step
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Route

oauth = OAuth()
run(printed(), oauth=oauth)
without_pkce = "\n".join(line for line in printed().splitlines() if "code_challenge_method" not in line)
tokens = {}


async def login(request):
    return await oauth.symbolon.authorize_redirect(request, request.url_for("auth"), **request.query_params)


async def auth(request):
    tokens.update(await oauth.symbolon.authorize_access_token(request))
    return JSONResponse(tokens["userinfo"])


async def refresh(_):
    endpoint = (await oauth.symbolon.load_server_metadata())["token_endpoint"]
    async with oauth.symbolon._get_oauth_client() as client:
        token = await client.refresh_token(endpoint, tokens["refresh_token"])
    return JSONResponse(await oauth.symbolon.userinfo(token=token))


async def logout(request):
    return await oauth.symbolon.logout_redirect(request, f"{case['url']}/", id_token_hint=tokens["id_token"])


async def home(request):
    return JSONResponse(await oauth.symbolon.validate_logout_response(request))


routes = [Route("/", home), *(Route(f"/{page.__name__}", page) for page in (login, auth, refresh, logout))]
serve_asgi(Starlette(routes=routes, middleware=[Middleware(SessionMiddleware, secret_key="a secret of the program")]))


def signed_in(visitor, query=""):
    user = visitor.sign_in(f"/login{query}").json()
    expected = ("alice Example", "alice", "alice@example.com")
    same((user.get("name"), user.get("preferred_username"), user.get("email")), expected, 'token["userinfo"]')
    return user


visitor = Visitor()
alice = signed_in(visitor, "?scope=openid+profile+email+offline_access")
step(f"signed in as {alice['name']}")
same(visitor.program.json("/refresh")["sub"], alice["sub"], "sub after a refresh")
step("refreshed")

visitor.arrive(visitor.server.open(visitor.program.open(f"{case['url']}/logout")))
step("signed out, and back at the app with its state")

run(without_pkce.replace('"symbolon"', '"symbolon", overwrite=True'), oauth=oauth)
oauth._clients.pop("symbolon", None)
signed_in(visitor)
step("signed in with a nonce in place of PKCE")
done()
