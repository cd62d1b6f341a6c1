"""An SMTP server for letters that are to be read again: aiosmtpd, with what the tests want it to do.

Argument: JSON {folder, port (0: any), security: "starttls" | "tls" | "none", cert, key, username, password,
refuse: [addresses answered 550], defer: [addresses answered 451], manner: "well" | "hang" | "close"}. It prints "port N" when it
listens, and ends when its standard input does. Each letter becomes N.eml in the folder, and then N.json {from, to: [..], encrypted,
headers, subject, text}, as Python's own parser reads it.
"""

import asyncio
import email
import email.policy
import json
import logging
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Letterbox:
    def __init__(self, settings):
        self.folder = settings["folder"]
        self.refuse, self.defer = settings.get("refuse", []), settings.get("defer", [])
        self.count = len([name for name in os.listdir(self.folder) if name.endswith(".json")])

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refuse:
            return f"550 5.1.1 there is no <{address}> here"
        if address in self.defer:
            return "451 4.7.1 not now, come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        path = os.path.join(self.folder, f"{self.count:04}")
        with open(f"{path}.eml", "wb") as file:
            file.write(envelope.original_content)
        mail = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        read = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "encrypted": server.transport.get_extra_info("ssl_object") is not None,
            "headers": [[name, str(value)] for name, value in mail.items()],
            "subject": str(mail["subject"]),
            "text": mail.get_content(),
        }
        with open(f"{path}.draft", "w", encoding="utf-8") as file:
            json.dump(read, file)
        os.rename(f"{path}.draft", f"{path}.json")
        return "250 kept"


async def silence(reader, writer):
    await reader.read()  # until the other side hangs up


async def goodbye(reader, writer):
    writer.close()


def server_of(settings, context):
    """What asyncio calls for each connection."""
    login = settings.get("username") is not None

    def check(server, session, envelope, mechanism, data):
        given = (data.login.decode(), data.password.decode())
        good = given == (settings["username"], settings["password"])
        return AuthResult(success=good, handled=good)  # what is not handled here is answered 535

    starttls = settings["security"] == "starttls"
    letterbox = Letterbox(settings)
    return lambda: SMTP(
        letterbox,
        hostname="localhost",
        enable_SMTPUTF8=bool(settings.get("utf8")),
        tls_context=context if starttls else None,
        require_starttls=starttls,
        authenticator=check if login else None,
        auth_required=login,
        auth_require_tls=starttls,
    )


async def main(settings):
    context = None
    if settings["security"] != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(settings["cert"], settings["key"])
    loop = asyncio.get_running_loop()
    port, manner = settings.get("port", 0), settings.get("manner", "well")
    if manner == "well":
        wrapper = context if settings["security"] == "tls" else None
        server = await loop.create_server(server_of(settings, context), "127.0.0.1", port, ssl=wrapper, reuse_address=True)
    else:
        server = await asyncio.start_server(silence if manner == "hang" else goodbye, "127.0.0.1", port, reuse_address=True)
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    os._exit(0)


logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)  # that a client hangs up is part of the tests
asyncio.run(main(json.loads(sys.argv[1])))
