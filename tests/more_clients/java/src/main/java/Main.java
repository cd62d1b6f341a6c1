import com.nimbusds.jose.jwk.JWK;
import org.springframework.security.oauth2.client.endpoint.NimbusJwtClientAuthenticationParametersConverter;
import org.springframework.security.oauth2.client.endpoint.OAuth2ClientCredentialsGrantRequest;
import org.springframework.security.oauth2.client.endpoint.RestClientClientCredentialsTokenResponseClient;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.client.registration.ClientRegistrations;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.core.DelegatingOAuth2TokenValidator;
import org.springframework.security.oauth2.jwt.JwtClaimNames;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtException;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;

import java.util.Collection;
import java.util.Objects;

/**
 * Spring Security as a resource server, with its default decoder and with the one of docs/clients.md, and as a client that
 * authenticates by a key.
 *
 * <p>Arguments: the issuer; the API whose tokens have the type JWT, and another; a token for each; an ID token; a client, and its
 * private key as a JWK.
 */
public final class Main {
    public static void main(String[] arguments) throws Exception {
        String issuer = arguments[0];
        String apiAsJwt = arguments[1];
        String api = arguments[2];
        String asJwt = arguments[3];
        String asAtJwt = arguments[4];
        String idToken = arguments[5];

        JwtDecoder byDefault = byDefault(issuer, apiAsJwt);
        taken("a token of the type JWT, by default", byDefault, asJwt);
        refused("a token of the type at+jwt, by default", byDefault, asAtJwt);
        refused("an ID token, by default", byDefault, idToken);

        NimbusJwtDecoder strict = NimbusJwtDecoder.withIssuerLocation(issuer).validateType(false).build();
        strict.setJwtValidator(JwtValidators.createAtJwtValidator()
            .issuer(issuer)
            .audience(api)
            .validators(all -> all.put("client_id", new JwtClaimValidator<>("client_id", Objects::nonNull)))
            .build());
        taken("a token of the type at+jwt, by the documented decoder", strict, asAtJwt);
        refused("a token for another API, by the documented decoder", strict, asJwt);
        refused("an ID token, by the documented decoder", strict, idToken);

        byKey(issuer, arguments[6], JWK.parse(arguments[7]));
    }

    /** What Spring Boot makes of issuer-uri and audiences. */
    private static JwtDecoder byDefault(String issuer, String audience) {
        NimbusJwtDecoder decoder = NimbusJwtDecoder.withIssuerLocation(issuer).build();
        JwtClaimValidator<Collection<String>> audiences =
            new JwtClaimValidator<>(JwtClaimNames.AUD, value -> value != null && value.contains(audience));
        decoder.setJwtValidator(new DelegatingOAuth2TokenValidator<>(JwtValidators.createDefaultWithIssuer(issuer), audiences));
        return decoder;
    }

    /** client_credentials by private_key_jwt, whose audience is the token endpoint here. */
    private static void byKey(String issuer, String clientId, JWK key) {
        ClientRegistration registration = ClientRegistrations.fromIssuerLocation(issuer)
            .registrationId("symbolon")
            .clientId(clientId)
            .clientAuthenticationMethod(ClientAuthenticationMethod.PRIVATE_KEY_JWT)
            .authorizationGrantType(AuthorizationGrantType.CLIENT_CREDENTIALS)
            .build();
        var client = new RestClientClientCredentialsTokenResponseClient();
        client.addParametersConverter(new NimbusJwtClientAuthenticationParametersConverter<>(any -> key));
        var token = client.getTokenResponse(new OAuth2ClientCredentialsGrantRequest(registration)).getAccessToken();
        if (token.getTokenValue().isEmpty()) {
            throw new AssertionError("expected a token");
        }
        System.out.println("- a token by private_key_jwt");
    }

    private static void taken(String what, JwtDecoder decoder, String token) {
        decoder.decode(token);
        System.out.println("- taken: " + what);
    }

    private static void refused(String what, JwtDecoder decoder, String token) {
        try {
            decoder.decode(token);
        } catch (JwtException refusal) {
            System.out.println("- refused: " + what + ": " + refusal.getMessage());
            return;
        }
        throw new AssertionError("taken: " + what);
    }
}
