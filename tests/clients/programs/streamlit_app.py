"""What `st.login()` of Streamlit does: Authlib's Starlette integration with the settings of `.streamlit/secrets.toml`, PKCE as
soon as the server has it, `prompt=select_account`; `st.user` is the ID token. `st.logout()` leads to the server and back."""

import tomllib

from authlib.integrations.starlette_client import OAuth, StarletteOAuth2App
from program import Visitor, case, done, printed, same, serve_asgi, step
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

settings = tomllib.loads(printed())["auth"]
redirect_uri = settings.pop("redirect_uri")
settings.pop("cookie_secret")


class App(StarletteOAuth2App):
    async def load_server_metadata(self):
        metadata = await super().load_server_metadata()
        if "S256" in (metadata.get("code_challenge_methods_supported") or []):
            self.client_kwargs["code_challenge_method"] = "S256"
        return metadata


oauth = OAuth()
OAuth.oauth2_client_cls = App
kwargs = {"scope": "openid email profile", "prompt": "select_account"}
streamlit = oauth.register("symbolon", client_kwargs=kwargs, **settings)
kept = {}


async def login(request):
    return await streamlit.authorize_redirect(request, redirect_uri)


async def callback(request):
    if "code" not in request.query_params:
        return JSONResponse({"signed_out": True})
    kept.update(await streamlit.authorize_access_token(request))
    return JSONResponse(kept["userinfo"])


async def logout(_):
    endpoint = (await streamlit.load_server_metadata())["end_session_endpoint"]
    query = f"client_id={case['client_id']}&post_logout_redirect_uri={redirect_uri}&id_token_hint={kept['id_token']}"
    return RedirectResponse(f"{endpoint}?{query}")


routes = [Route("/login", login), Route("/oauth2callback", callback), Route("/logout", logout)]
serve_asgi(Starlette(routes=routes, middleware=[Middleware(SessionMiddleware, secret_key="a secret of the program")]))

visitor = Visitor()
user = visitor.sign_in("/login").json()
expected = ("alice Example", "alice", "alice@example.com")
same((user.get("name"), user.get("preferred_username"), user.get("email")), expected, "st.user")
step(f"signed in as {user['name']}")

page = visitor.arrive(visitor.server.open(visitor.program.open(f"{case['url']}/logout")))
same(page.json(), {"signed_out": True}, "where st.logout() leads")
step("signed out at the server")
done()
