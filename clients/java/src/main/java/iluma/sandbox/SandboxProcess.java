package iluma.sandbox;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Runs the sandbox as a process: from the ready file to its end.
 *
 * <p>Its standard input is a pipe that nobody writes to. However this JVM ends, the pipe is closed, and {@code
 * --exit-with-parent} stops the sandbox.
 */
final class SandboxProcess {
    /** The pause between two looks for the ready file. The sandbox needs a few milliseconds to write it. */
    private static final long LOOK_MS = 5;
    /** How long a sandbox may take to stop before it is killed. */
    private static final long STOP_S = 10;

    private final Process process;
    private final Map<String, Object> ready;

    private SandboxProcess(Process process, Map<String, Object> ready) {
        this.process = process;
        this.ready = ready;
    }

    /** Starts the sandbox, and returns when it is ready. If {@code log} is null, standard error is read only for an error. */
    static SandboxProcess start(Path binary, List<String> flags, Redirect log, Duration timeout) {
        Path folder = temporaryFolder("iluma-sandbox-");
        try {
            Path readyFile = folder.resolve("ready.json");
            Path errors = folder.resolve("stderr"); // a file and not a pipe, because nobody has to read a file
            List<String> command = new ArrayList<>(List.of(binary.toString(), "serve"));
            command.addAll(flags);
            command.addAll(List.of("--ready-file", readyFile.toString(), "--exit-with-parent"));
            Process process = new ProcessBuilder(command)
                    .redirectOutput(Redirect.DISCARD)
                    .redirectError(log == null ? Redirect.to(errors.toFile()) : log)
                    .start();
            try {
                return new SandboxProcess(process, ready(process, readyFile, errors, timeout));
            } catch (IOException | InterruptedException | RuntimeException error) {
                stop(process);
                throw error;
            }
        } catch (IOException error) {
            throw new SandboxException("cannot start " + binary + ": " + error.getMessage(), error);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new SandboxException("interrupted while the sandbox was starting", error);
        } finally {
            delete(folder);
        }
    }

    /** The content of the ready file. */
    Map<String, Object> ready() {
        return ready;
    }

    long pid() {
        return process.pid();
    }

    /** Stops the sandbox, first gently. Does nothing if it has ended. */
    void stop() {
        stop(process);
    }

    private static Map<String, Object> ready(Process process, Path readyFile, Path errors, Duration timeout)
            throws IOException, InterruptedException {
        long giveUp = System.nanoTime() + timeout.toNanos();
        while (true) {
            boolean hasEnded = process.waitFor(LOOK_MS, TimeUnit.MILLISECONDS);
            if (Files.exists(readyFile)) { // it appears whole
                return Json.readObject(Files.readString(readyFile));
            }
            if (hasEnded) {
                throw new SandboxException("the sandbox did not start, exit code " + process.exitValue() + said(errors));
            }
            if (System.nanoTime() - giveUp > 0) {
                throw new SandboxException("the sandbox was not ready within " + timeout.toMillis() / 1000.0 + " s" + said(errors));
            }
        }
    }

    private static String said(Path errors) throws IOException {
        String said = Files.exists(errors) ? new String(Files.readAllBytes(errors), StandardCharsets.UTF_8).strip() : "";
        return said.isEmpty() ? "" : ":\n" + said;
    }

    private static void stop(Process process) {
        try {
            if (Binary.IS_WINDOWS) {
                process.getOutputStream().close(); // `destroy` kills there, and the end of its input is the gentle way
            } else {
                process.destroy();
            }
            if (!process.waitFor(STOP_S, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (IOException error) {
            process.destroyForcibly();
        } catch (InterruptedException error) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    static Path temporaryFolder(String prefix) {
        try {
            return Files.createTempDirectory(prefix);
        } catch (IOException error) {
            throw new UncheckedIOException("cannot make a temporary folder", error);
        }
    }

    /** Deletes a folder. On Windows, a file that the sandbox has open is deleted when this JVM ends. */
    static void delete(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).forEach(SandboxProcess::deleteFile);
        } catch (IOException error) {
            folder.toFile().deleteOnExit();
        }
    }

    private static void deleteFile(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException error) {
            file.toFile().deleteOnExit();
        }
    }
}
