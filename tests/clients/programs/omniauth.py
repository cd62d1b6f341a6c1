"""omniauth_openid_connect in a Rack application that runs already (omniauth.rb): the user, and RP-initiated logout."""

from program import Visitor, case, done, same, step

visitor = Visitor()
token = visitor.program.json("/csrf")["token"]
auth = visitor.sign_in("/auth/symbolon", {"authenticity_token": token}).json()
info = auth["info"]
same((info["name"], info["nickname"], info["email"]), ("alice Example", "alice", "alice@example.com"), "info")
same((auth["uid"], auth["extra"]["raw_info"]["email_verified"]), (auth["extra"]["raw_info"]["sub"], True), "uid, raw_info")
step(f"signed in as {info['name']}")

visitor.server.sign_out(visitor.program.open(f"{case['url']}/auth/symbolon/logout"))
token = visitor.program.json("/csrf")["token"]
away = visitor.program.open(f"{case['url']}/auth/symbolon", {"authenticity_token": token})
assert 'name="password"' in visitor.server.open(away).text, "the server asks to sign in again"
step("signed out at the server")
done()
