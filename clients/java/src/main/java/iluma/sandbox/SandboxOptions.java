package iluma.sandbox;

import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The flags of {@code iluma-sandbox serve}, and how to start it: {@code new SandboxOptions().seed(7).strict()}. */
public final class SandboxOptions {
    private final List<String> flags = new ArrayList<>();
    private String bind = "127.0.0.1";
    private int port;
    private boolean tls;
    private String binary;
    private String logFormat = "off";
    private Path logFile;
    private Duration timeout = Duration.ofSeconds(30);

    public SandboxOptions seed(long seed) {
        return flag("--seed", Long.toUnsignedString(seed));
    }

    /** {@code 2026-01-01T00:00:00Z}, or {@code system}. */
    public SandboxOptions clock(String clock) {
        return flag("--clock", Wire.present(clock, "clock"));
    }

    /** Folders of scenario files. */
    public SandboxOptions scenarios(Path... folders) {
        for (Path folder : folders) {
            flag("--scenarios", folder.toString());
        }
        return this;
    }

    public SandboxOptions strict() {
        return flag("--strict");
    }

    /** Serves HTTPS, with its own certificate authority. Only {@link Sandbox#caPem} has its certificate. */
    public SandboxOptions tls() {
        this.tls = true;
        return this;
    }

    public SandboxOptions bind(String address) {
        this.bind = Wire.present(address, "bind");
        return this;
    }

    /** The default is a free port. */
    public SandboxOptions port(int port) {
        this.port = port;
        return this;
    }

    /** Any other flags: {@code args("--callback-retries", "none")}. */
    public SandboxOptions args(String... args) {
        return flag(args);
    }

    /** The binary: a path, or a name on PATH. The default is {@code ILUMA_SANDBOX_BIN}, else {@code iluma-sandbox} on PATH. */
    public SandboxOptions binary(String binary) {
        this.binary = Wire.present(binary, "binary");
        return this;
    }

    /** {@code pretty} or {@code json} logs to standard error of this JVM, or to {@link #logFile}. The default is {@code off}. */
    public SandboxOptions logFormat(String format) {
        this.logFormat = Wire.present(format, "logFormat");
        return this;
    }

    /** The file to which the log is appended. */
    public SandboxOptions logFile(Path file) {
        this.logFile = Wire.present(file, "logFile");
        return this;
    }

    /** How long the start may take. The default is 30 seconds. */
    public SandboxOptions timeout(Duration timeout) {
        this.timeout = Wire.present(timeout, "timeout");
        return this;
    }

    private SandboxOptions flag(String... words) {
        Collections.addAll(flags, words);
        return this;
    }

    boolean isTls() {
        return tls;
    }

    String binary() {
        return binary;
    }

    Duration timeout() {
        return timeout;
    }

    /** Where standard error goes. Null if only an error of the start is of interest. */
    Redirect log() {
        if (logFile != null) {
            return Redirect.appendTo(logFile.toFile());
        }
        return logFormat.equals("off") ? null : Redirect.INHERIT;
    }

    List<String> command() {
        List<String> command = new ArrayList<>();
        Collections.addAll(command, "--bind", bind, "--port", Integer.toString(port), "--log-format", logFormat);
        command.addAll(flags);
        return command;
    }

    /** Everything that decides which sandbox is started. Equal options have equal facts. */
    List<Object> facts() {
        List<Object> facts = new ArrayList<>(command());
        Collections.addAll(facts, tls, binary, logFile, timeout);
        return facts;
    }
}
