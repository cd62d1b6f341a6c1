// passport-openidconnect in Express: sign-in, and the profile that `verify` is given.
import { Visitor, assert, done, port, printed, run, step } from './program.mjs';
import express from 'express';
import session from 'express-session';
import passport from 'passport';
import OpenIDConnectStrategy from 'passport-openidconnect';

const app = express();
app.use(session({ secret: 'a secret of the program', resave: false, saveUninitialized: false }));
run(printed(), { passport, OpenIDConnectStrategy });
passport.serializeUser((user, done) => done(null, user));
passport.deserializeUser((user, done) => done(null, user));
app.use(passport.session());
app.get('/login', passport.authenticate('openidconnect'));
app.get('/oauth2/redirect', passport.authenticate('openidconnect', { failWithError: true, successRedirect: '/user' }));
app.get('/user', (request, response) => response.json(request.user));
app.listen(port);

const { id, displayName, username, emails } = JSON.parse((await new Visitor().signIn('/login')).text);
assert.ok(id, 'id');
assert.equal(displayName, 'alice Example');
assert.equal(username, 'alice');
assert.deepEqual(emails, [{ value: 'alice@example.com' }]);
step(`signed in as ${displayName}`);
done();
