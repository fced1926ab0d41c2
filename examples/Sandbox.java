// The sandbox from Java 17 or newer, without a library: `java examples/Sandbox.java`; docs/other-languages.md
// says why each step is as it is. Needs `iluma-sandbox` on PATH, or ILUMA_SANDBOX_BIN.
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.util.Base64;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

public class Sandbox {
    public static void main(String[] arguments) throws Exception {
        var binary = System.getenv().getOrDefault("ILUMA_SANDBOX_BIN", "iluma-sandbox");
        var readyFile = Files.createTempDirectory("iluma-sandbox-").resolve("ready.json");
        var sandbox = new ProcessBuilder(binary, "serve", "--port", "0", "--ready-file", readyFile.toString(),
                "--exit-with-parent", "--log-format", "off") // its stdin is a pipe that ends with this program
                .redirectOutput(Redirect.DISCARD).redirectError(Redirect.INHERIT).start();
        try {
            while (!Files.exists(readyFile)) { // it appears whole, when requests are answered
                if (sandbox.waitFor(5, TimeUnit.MILLISECONDS)) {
                    throw new IOException("the sandbox did not start, exit code " + sandbox.exitValue());
                }
            }
            var url = text(Files.readString(readyFile), "url");
            var key = text(post(url + "/__sandbox/worlds", "", "{\"name\": \"a Java test\"}"), "api_key");

            var account = "{\"bank_account_number\": \"1234567890\", \"bank_code\": \"BCA\"}";
            System.out.println(post(url + "/v1.1/identity/bank_account_data_requests", key, account));

            var expected = "{\"request\": {\"endpoint\": \"v1.1/bank_account_data_requests\"}, \"exactly\": 1}";
            System.out.println(post(url + "/__sandbox/verify", key, expected));
        } finally {
            sandbox.destroy(); // SIGTERM: it ends at once, and removes the ready file
            sandbox.waitFor();
            Files.delete(readyFile.getParent());
        }
    }

    static String post(String url, String key, String body) throws IOException, InterruptedException {
        var basic = "Basic " + Base64.getEncoder().encodeToString((key + ":").getBytes());
        var request = HttpRequest.newBuilder(URI.create(url)).header("authorization", basic)
                .header("content-type", "application/json").POST(BodyPublishers.ofString(body)).build();
        var answer = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        if (answer.statusCode() >= 300) {
            throw new IOException(url + " answered " + answer.statusCode() + ": " + answer.body());
        }
        return answer.body();
    }

    static String text(String json, String name) { // a real test would use its JSON library
        var found = Pattern.compile("\"" + name + "\":\"([^\"]*)\"").matcher(json);
        return found.find() ? found.group(1) : "";
    }
}
