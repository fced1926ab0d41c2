package iluma.sandbox;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Map;

/** Asks the product as an application would. */
public final class Product {
    public static final String BANK = "v1.1/bank_account_data_requests";
    public static final String BANK_PATH = "/v1.1/identity/bank_account_data_requests";
    public static final String BANK_CALLBACK = "NAME_VALIDATOR_REQUEST";

    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    private Product() {}

    public record Reply(int status, String trace, String text) {
        public Map<String, Object> json() {
            return Json.readObject(text);
        }
    }

    /** Asks for the holder of an account. */
    public static Reply check(World world, String number, String... headers) {
        return post(world, BANK_PATH, Map.of("bank_account_number", number, "bank_code", "BCA"), headers);
    }

    public static Reply post(World world, String path, Map<String, ?> body, String... headers) {
        HttpRequest.Builder request = request(world, path)
                .header("content-type", "application/json")
                .POST(BodyPublishers.ofString(Json.write(body)));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return send(CLIENT, request);
    }

    public static Reply get(World world, String path) {
        return send(CLIENT, request(world, path));
    }

    /** Where the world's bank callbacks go. The sandbox sends a test there first. */
    public static void register(World world, String url) {
        Reply reply = post(world, "/v1/callback/urls", Map.of("type", BANK_CALLBACK, "url", url));
        if (!"SUCCESSFUL".equals(reply.json().get("status"))) {
            throw new AssertionError(reply.text());
        }
    }

    private static HttpRequest.Builder request(World world, String path) {
        return HttpRequest.newBuilder(URI.create(world.url() + path)).header("authorization", world.authorization());
    }

    static Reply send(HttpClient client, HttpRequest.Builder request) {
        try {
            HttpResponse<String> answer = client.send(request.build(), BodyHandlers.ofString());
            String trace = answer.headers().firstValue("x-sandbox-trace").orElse("");
            return new Reply(answer.statusCode(), trace, answer.body());
        } catch (IOException | InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }
}
