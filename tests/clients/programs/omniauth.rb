# frozen_string_literal: true

# omniauth_openid_connect in a Rack application: what `omniauth.auth` has of the user, and RP-initiated logout. It only serves the
# application, for omniauth.py. Standard input: one JSON object, as program.py describes it.

require 'json'
require 'stringio'
require 'uri'
require 'webrick'
require 'rack'
require 'rack/session/cookie'
require 'omniauth'
require 'omniauth_openid_connect'

input = JSON.parse($stdin.read)
# Both look for the discovery document by https, whatever the issuer's scheme.
SWD.url_builder = URI::HTTP
OpenIDConnect::Discovery.const_get(:Provider).tap { |it| it.url_builder = URI::HTTP if it.respond_to?(:url_builder=) }
OmniAuth.config.logger.level = Logger::WARN

# A page of the application for a path.
pages = lambda do |env|
  body =
    case env['PATH_INFO']
    when '/csrf' then { token: Rack::Protection::AuthenticityToken.token(env['rack.session']) }
    when '/auth/symbolon/callback' then env['omniauth.auth'].to_h
    else { path: env['PATH_INFO'], message: env['QUERY_STRING'] }
    end
  [200, { 'content-type' => 'application/json' }, [JSON.generate(body)]]
end

application = Rack::Builder.new
application.use Rack::Session::Cookie, secret: 'a secret of the program, which has to have sixty-four characters or more'
# The printed lines are for Rails: what they call there is here.
rails = Struct.new(:application, :config, :middleware).new
rails.application = rails.config = rails
rails.middleware = application
Object.const_set(:Rails, rails)
eval(input['application'].map { |part| part['lines'] }.join("\n")) # rubocop:disable Security/Eval
application.run pages
APPLICATION = application.to_app

# WEBrick, without Rack's handler, whose place differs between versions of Rack.
class Servlet < WEBrick::HTTPServlet::AbstractServlet
  def service(request, response)
    env = request.meta_vars.merge(
      'rack.input' => StringIO.new(request.body.to_s), 'rack.errors' => $stderr, 'rack.url_scheme' => 'http',
      'rack.version' => [1, 6], 'rack.multithread' => true, 'rack.multiprocess' => false, 'rack.run_once' => false,
      'PATH_INFO' => request.path, 'SCRIPT_NAME' => '', 'QUERY_STRING' => request.query_string.to_s
    )
    response.status, headers, parts = APPLICATION.call(env)
    headers.each do |name, value|
      lines = value.is_a?(Array) ? value : value.split("\n")
      if name.downcase == 'set-cookie'
        lines.each { |line| response.cookies << WEBrick::Cookie.parse_set_cookie(line) }
      else
        response[name] = lines.join(', ')
      end
    end
    response.body = +''
    parts.each { |part| response.body << part }
  end
end

port = URI(input['url']).port
server = WEBrick::HTTPServer.new(BindAddress: '127.0.0.1', Port: port, AccessLog: [], Logger: WEBrick::Log.new($stderr, WEBrick::Log::WARN))
server.mount '/', Servlet
trap('TERM') { server.shutdown }
server.start
