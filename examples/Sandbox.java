// The sandbox from Java 17 or newer, without a library: `java examples/Sandbox.java`. docs/other-languages.md explains
// each step. Uses the running sandbox at ILUMA_SANDBOX_URL. Without it, starts ILUMA_SANDBOX_BIN or `iluma-sandbox` on PATH.
// clients/java has the same as a JUnit 5 extension.
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.*;
import java.nio.file.*;
import java.util.Base64;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

public class Sandbox {
    public static void main(String[] arguments) throws Exception {
        var running = variable("ILUMA_SANDBOX_URL", null);
        if (running != null) {
            running = running.replaceAll("/+$", "");
            test(running, running + "/__sandbox", variable("ILUMA_SANDBOX_CONTROL_TOKEN", null));
            return;
        }
        var file = Files.createTempDirectory("iluma-sandbox-").resolve("ready.json");
        try {
            var process = start(file);
            try {
                var ready = ready(process, file);
                test(text(ready, "url"), text(ready, "control_url"), text(ready, "control_token"));
            } finally {
                stop(process);
            }
        } finally {
            Files.deleteIfExists(file); // a sandbox that ends by itself has deleted it
            Files.delete(file.getParent());
        }
    }

    static Process start(Path file) throws IOException {
        var binary = variable("ILUMA_SANDBOX_BIN", "iluma-sandbox");
        try {
            return new ProcessBuilder(binary, "serve", "--port", "0", "--ready-file", file.toString(),
                    "--exit-with-parent", "--log-format", "off") // its stdin is a pipe that ends with this program
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        } catch (IOException missing) {
            throw new IOException("set ILUMA_SANDBOX_BIN, or put `iluma-sandbox` on PATH", missing);
        }
    }

    static String ready(Process process, Path file) throws IOException, InterruptedException {
        var giveUp = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!Files.exists(file)) { // it appears whole, when requests are answered
            if (process.waitFor(5, TimeUnit.MILLISECONDS)) {
                throw new IOException("the sandbox did not start, exit code " + process.exitValue()); // stderr has the reason
            }
            if (System.nanoTime() > giveUp) throw new IOException("the sandbox was not ready within 30 s");
        }
        return Files.readString(file);
    }

    static void stop(Process process) throws IOException, InterruptedException {
        if (File.separatorChar == '\\') {
            process.getOutputStream().close(); // on Windows, `destroy` does not let it finish requests
        } else {
            process.destroy(); // SIGTERM
        }
        if (!process.waitFor(10, TimeUnit.SECONDS)) process.destroyForcibly().waitFor();
    }

    static void test(String url, String control, String token) throws IOException, InterruptedException {
        var name = "{\"name\": \"a Java test\", \"reset\": true}";
        var key = text(send("POST", control + "/worlds", "", token, name), "api_key");
        try {
            var account = "{\"bank_account_number\": \"1234567890\", \"bank_code\": \"BCA\"}";
            System.out.println(send("POST", url + "/v1.1/identity/bank_account_data_requests", key, null, account));
            var once = "{\"request\": {\"endpoint\": \"v1.1/bank_account_data_requests\"}, \"exactly\": 1}";
            System.out.println(send("POST", control + "/verify", key, token, once));
            send("GET", control + "/unused", key, token, ""); // 417 if a queued outcome, a fault or a callback was not used
        } catch (IOException failed) {
            System.err.println(send("GET", control + "/summary", key, token, "")); // its requests and callbacks
            throw failed;
        } finally {
            send("DELETE", control + "/worlds", key, token, "");
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

    static String text(String json, String name) { // null if it is null; a real test would use its JSON library
        var value = Pattern.compile("\"" + name + "\":\"([^\"]*)\"").matcher(json);
        return value.find() ? value.group(1) : null;
    }
}
