"""social-auth-core with its Django app: sign-in makes the account; the ID token is checked; refresh by `refresh_token()`."""

import django_site
from program import Visitor, done, same, step


def user(request):
    from social_django.utils import load_strategy

    account = request.user.social_auth.get(provider="oidc")
    before = account.extra_data["access_token"]
    if "refresh" in request.GET:
        account.refresh_token(load_strategy(request))
    names = ("username", "email", "first_name", "last_name")
    known = {name: getattr(request.user, name) for name in names}
    return {**known, "renewed": account.extra_data["access_token"] != before}


# The scope is for the refresh token.
site = django_site.start(["social_django"], [("", "social_django.urls")], user, SOCIAL_AUTH_OIDC_SCOPE=["offline_access"])
visitor = Visitor()
token = visitor.program.json("/csrf")["token"]
visitor.sign_in("/login/oidc/", {"csrfmiddlewaretoken": token})
expected = {"username": "alice", "email": "alice@example.com", "first_name": "alice", "last_name": "Example", "renewed": False}
same(visitor.program.json("/user"), expected, "the account")
step("signed in, with an account for alice")

same(visitor.program.json("/user?refresh"), {**expected, "renewed": True}, "the account after a refresh")
step("refreshed")
done()
