// The sandbox from Java 17 or newer, without a library: `java examples/Sandbox.java`. docs/other-languages.md explains
// each step. Needs `iluma-sandbox` on PATH, or ILUMA_SANDBOX_BIN.
import java.io.IOException;
import java.net.URI;
import java.net.http.*;
import java.nio.file.Files;
import java.util.Base64;
import java.util.concurrent.TimeUnit;

public class Sandbox {
    public static void main(String[] arguments) throws Exception {
        var binary = System.getenv().getOrDefault("ILUMA_SANDBOX_BIN", "iluma-sandbox");
        var file = Files.createTempDirectory("iluma-sandbox-").resolve("ready.json");
        var process = new ProcessBuilder(binary, "serve", "--port", "0", "--ready-file", file.toString(),
                "--exit-with-parent", "--log-format", "off") // its stdin is a pipe that ends with this program
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try {
            while (!Files.exists(file)) { // it appears whole, when requests are answered
                if (process.waitFor(5, TimeUnit.MILLISECONDS)) throw new IOException("the sandbox did not start");
            }
            var url = text(Files.readString(file), "url");
            var key = text(post(url + "/__sandbox/worlds", "", "{\"name\": \"a Java test\"}"), "api_key");
            var account = "{\"bank_account_number\": \"1234567890\", \"bank_code\": \"BCA\"}";
            System.out.println(post(url + "/v1.1/identity/bank_account_data_requests", key, account));
            var once = "{\"request\": {\"endpoint\": \"v1.1/bank_account_data_requests\"}, \"exactly\": 1}";
            System.out.println(post(url + "/__sandbox/verify", key, once));
        } finally {
            process.destroy(); // SIGTERM: it removes the ready file and ends
            process.waitFor();
            Files.delete(file.getParent());
        }
    }

    static String post(String url, String key, String body) throws IOException, InterruptedException {
        var basic = "Basic " + Base64.getEncoder().encodeToString((key + ":").getBytes());
        var request = HttpRequest.newBuilder(URI.create(url)).header("authorization", basic)
                .header("content-type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body)).build();
        var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() >= 300) throw new IOException(url + " answered " + answer.body());
        return answer.body();
    }

    static String text(String json, String name) { // a real test would use its JSON library
        return json.replaceFirst("(?s).*\"" + name + "\":\"([^\"]*)\".*", "$1");
    }
}
