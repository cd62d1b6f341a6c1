"""The Notes API: every user has a few notes, which an app can read and write with the user's access token. How a token is checked
is access_token.py; where the keys come from is keys.py."""

import os
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from access_token import RequireScope

RequireScope.configure(
    issuer=os.environ.get("ISSUER", "http://localhost:8080"),  # the authorization server, exactly as its tokens name it
    audience=os.environ.get("AUDIENCE", "https://api.example.com"),  # this API, as registered with `symbolon api add`
)

app = FastAPI(title="Notes API")

# A browser asks before it sends a token to another origin (CORS). An API that only servers call needs none of this.
app.add_middleware(
    CORSMiddleware,
    allow_origins=[os.environ.get("APP_ORIGIN", "http://localhost:3000")],
    allow_methods=["GET", "POST"],
    allow_headers=["Authorization", "Content-Type"],
    expose_headers=["WWW-Authenticate"],
)


class NewNote(BaseModel):
    text: str = Field(min_length=1, max_length=280)


notes: dict[str, list[dict]] = {}  # by user; your database

Reader = Annotated[dict, Depends(RequireScope("notes:read"))]
Writer = Annotated[dict, Depends(RequireScope("notes:write"))]


@app.get("/notes")
def list_notes(token: Reader):
    return notes.get(token["sub"], [])


@app.post("/notes", status_code=201)
def add_note(note: NewNote, token: Writer):
    # `sub` is the user, and never changes. `client_id` is the app, `scope` what the user allowed it.
    added = {"text": note.text, "by": token["client_id"]}
    notes[token["sub"]] = [*notes.get(token["sub"], []), added][-50:]
    return added


# Starlette's, of which FastAPI's is a kind: so that a path that is not there is answered in the same way.
@app.exception_handler(HTTPException)
def errors_as_json(request, error):
    """The members of an error beside one another, not below `detail`."""
    name = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    body = error.detail if isinstance(error.detail, dict) else {"error": name}
    return JSONResponse(body, error.status_code, error.headers)


@app.exception_handler(RequestValidationError)
def invalid_request(request, error):
    body = {"error": "invalid_request", "error_description": 'expected {"text": …} with 1 to 280 characters'}
    return JSONResponse(body, 400)
