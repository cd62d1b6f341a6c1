// Serves the files of the app. Any web server can do this; what matters is the Content-Security-Policy: the tokens are in the
// browser, where every script of this page can read them. So only our own scripts may run, and they may talk to nobody else.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import express from 'express';

const {
  ISSUER = 'http://localhost:8080',
  API_URL = 'http://localhost:3001',
  CLIENT_ID = 'notes-spa',
  PORT = '3000',
} = process.env;

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const page = readFileSync(path('public/index.html'), 'utf8');
// Browsers find libraries by the import map of the page. It is the one script that stands in the page, allowed by its hash.
const [, importMap] = /<script type="importmap">([^]*?)<\/script>/.exec(page);
const hash = createHash('sha256').update(importMap).digest('base64');

const app = express();
app.disable('x-powered-by');
app.use((request, response, next) => {
  response.set({
    'Content-Security-Policy': [
      `default-src 'none'; script-src 'self' 'sha256-${hash}'; style-src 'self'; connect-src 'self' ${origin(ISSUER)} ${origin(API_URL)}`,
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ].join('; '),
    'Referrer-Policy': 'no-referrer', // the address has the authorization code in it for a moment
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-cache',
  });
  next();
});
app.get('/config.json', (request, response) => response.json({ issuer: ISSUER, api: API_URL, clientId: CLIENT_ID }));
app.use(express.static(path('public'), { index: false }));
app.use('/vendor/oidc-client-ts', express.static(path('node_modules/oidc-client-ts/dist/esm')));
app.use('/vendor/jwt-decode', express.static(path('node_modules/jwt-decode/build/esm')));
// Every other path is one of the app's own.
app.get('/{*path}', (request, response) => response.type('html').send(page));

app.listen(PORT, 'localhost', (error) => {
  if (error) throw error;
  console.log(`The app is at http://localhost:${PORT}`);
});

function origin(url) {
  return new URL(url).origin;
}
