// The sandbox from Java 17 or newer, without a library: `java examples/Sandbox.java`. docs/other-languages.md explains
// each step. Uses the running sandbox at ILUMA_SANDBOX_URL. Without it, starts ILUMA_SANDBOX_BIN or `iluma-sandbox` on PATH.
import java.io.IOException;
import java.net.URI;
import java.net.http.*;
import java.nio.file.Files;
import java.util.Base64;
import java.util.concurrent.TimeUnit;

public class Sandbox {
    public static void main(String[] arguments) throws Exception {
        var running = variable("ILUMA_SANDBOX_URL", null);
        if (running != null) {
            test(running, variable("ILUMA_SANDBOX_CONTROL_TOKEN", null));
            return;
        }
        var binary = variable("ILUMA_SANDBOX_BIN", "iluma-sandbox");
        var file = Files.createTempDirectory("iluma-sandbox-").resolve("ready.json");
        var process = new ProcessBuilder(binary, "serve", "--port", "0", "--ready-file", file.toString(),
                "--exit-with-parent", "--log-format", "off") // its stdin is a pipe that ends with this program
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try {
            while (!Files.exists(file)) { // it appears whole, when requests are answered
                if (process.waitFor(5, TimeUnit.MILLISECONDS)) throw new IOException("the sandbox did not start");
            }
            test(text(Files.readString(file), "url"), null);
        } finally {
            process.destroy(); // SIGTERM: it removes the ready file and ends
            process.waitFor();
            Files.delete(file.getParent());
        }
    }

    static void test(String url, String token) throws IOException, InterruptedException {
        var control = url + "/__sandbox/";
        var key = text(send("POST", control + "worlds", "", token, "{\"name\": \"a Java test\", \"reset\": true}"), "api_key");
        try {
            var account = "{\"bank_account_number\": \"1234567890\", \"bank_code\": \"BCA\"}";
            System.out.println(send("POST", url + "/v1.1/identity/bank_account_data_requests", key, token, account));
            var once = "{\"request\": {\"endpoint\": \"v1.1/bank_account_data_requests\"}, \"exactly\": 1}";
            System.out.println(send("POST", control + "verify", key, token, once));
            send("GET", control + "unused", key, token, ""); // 417 if a queued outcome, a fault or a callback was not used
        } catch (IOException failed) {
            System.err.println(send("GET", control + "summary", key, token, "")); // its requests and callbacks
            throw failed;
        } finally {
            send("DELETE", control + "worlds", key, token, "");
        }
    }

    static String send(String method, String url, String key, String token, String body)
            throws IOException, InterruptedException {
        var basic = "Basic " + Base64.getEncoder().encodeToString((key + ":").getBytes());
        var request = HttpRequest.newBuilder(URI.create(url)).header("authorization", basic)
                .header("content-type", "application/json").method(method, HttpRequest.BodyPublishers.ofString(body));
        if (token != null) request.header("x-sandbox-control-token", token);
        var answer = HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() >= 300) throw new IOException(url + " answered " + answer.body());
        return answer.body();
    }

    static String variable(String name, String otherwise) {
        var value = System.getenv(name);
        return value == null || value.isEmpty() ? otherwise : value;
    }

    static String text(String json, String name) { // a real test would use its JSON library
        return json.replaceFirst("(?s).*\"" + name + "\":\"([^\"]*)\".*", "$1");
    }
}
