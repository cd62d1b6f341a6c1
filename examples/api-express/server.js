// The Notes API: every user has a few notes, which an app can read and write with the user's access token. How a token is checked
// is access-token.js; where the keys come from is keys.js.
import express from 'express';
import { requireScope } from './access-token.js';

const {
  ISSUER = 'http://localhost:8080', // the authorization server, exactly as its tokens name it
  AUDIENCE = 'https://api.example.com', // this API, as it was registered with `symbolon api add`
  APP_ORIGIN = 'http://localhost:3000', // the single-page app that may call it from a browser
  PORT = '3001',
} = process.env;

const app = express();
app.disable('x-powered-by');

// A browser asks before it sends a token to another origin (CORS). The headers are on refusals, too: without them the app could
// not see that its token has expired. An API that only servers call needs none of this.
app.use((request, response, next) => {
  response.set({
    'Access-Control-Allow-Origin': APP_ORIGIN,
    'Access-Control-Allow-Headers': 'Authorization, Content-Type',
    'Access-Control-Expose-Headers': 'WWW-Authenticate',
    'Access-Control-Max-Age': '600',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  if (request.method === 'OPTIONS') return response.sendStatus(204);
  next();
});

const may = requireScope(ISSUER, AUDIENCE);
const notes = new Map(); // by user; your database

app.get('/notes', may('notes:read'), (request, response) => {
  response.json(notes.get(request.token.sub) ?? []);
});

app.post('/notes', may('notes:write'), express.json({ limit: '4kb' }), (request, response) => {
  const text = request.body?.text;
  if (typeof text !== 'string' || text.length < 1 || text.length > 280) {
    return response.status(400).json({ error: 'invalid_request', error_description: 'expected {"text": …} with 1 to 280 characters' });
  }
  // `sub` is the user, and never changes. `client_id` is the app, `scope` what the user allowed it.
  const note = { text, by: request.token.client_id };
  notes.set(request.token.sub, [...(notes.get(request.token.sub) ?? []), note].slice(-50));
  response.status(201).json(note);
});

app.use((request, response) => response.status(404).json({ error: 'not_found' }));

app.use((error, request, response, next) => {
  if (response.headersSent) return next(error);
  const status = error.status >= 400 && error.status < 500 ? error.status : 500; // a body that is no JSON is 400
  if (status === 500) console.error(error);
  response.status(status).json({ error: status === 500 ? 'server_error' : 'invalid_request' });
});

app.listen(PORT, 'localhost', (error) => {
  if (error) throw error;
  console.log(`The Notes API listens on http://localhost:${PORT}`);
});
