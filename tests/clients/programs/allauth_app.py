"""django-allauth: sign-in makes the account with its user name, name and verified address; sign-out of the site."""

import django_site
from program import Visitor, case, done, same, step


def user(request):
    from allauth.account.models import EmailAddress

    addresses = EmailAddress.objects.filter(user=request.user.id)
    return {
        "username": request.user.username,
        "first": getattr(request.user, "first_name", None),
        "last": getattr(request.user, "last_name", None),
        "addresses": [[address.email, address.verified] for address in addresses],
    }


apps = ["allauth", "allauth.account", "allauth.socialaccount", "allauth.socialaccount.providers.openid_connect"]
site = django_site.start(
    apps,
    [("accounts/", "allauth.urls")],
    user,
    MIDDLEWARE=["allauth.account.middleware.AccountMiddleware"],
    AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
)
visitor = Visitor()
token = visitor.program.json("/csrf")["token"]
alice = visitor.sign_in("/accounts/oidc/symbolon/login/", {"csrfmiddlewaretoken": token}).json()
expected = {"username": "alice", "first": "alice", "last": "Example", "addresses": [["alice@example.com", True]]}
same(alice, expected, "the account")
step("signed in, with an account for alice")

token = visitor.program.json("/csrf")["token"]
visitor.program.open(f"{case['url']}/accounts/logout/", {"csrfmiddlewaretoken": token})
same(visitor.program.json("/user")["username"], "", "who is signed in")
step("signed out of the site")
done()
