package iluma.sandbox;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** Finds the binary of the sandbox. */
final class Binary {
    static final boolean IS_WINDOWS = File.separatorChar == '\\';
    private static final String NAME = IS_WINDOWS ? "iluma-sandbox.exe" : "iluma-sandbox";

    private Binary() {}

    /**
     * The first of these: the named one, {@code ILUMA_SANDBOX_BIN}, the one on PATH. If a named binary does not exist, that is
     * an error, and no other is used.
     */
    static Path find(String named, UnaryOperator<String> variables) {
        if (named != null) {
            return named(named, "`binary`", variables);
        }
        String variable = variables.apply("ILUMA_SANDBOX_BIN");
        if (variable != null) {
            return named(variable, "`ILUMA_SANDBOX_BIN`", variables);
        }
        return onPath(NAME, variables).orElseThrow(() -> new SandboxException("no `" + NAME
                + "` found on PATH: install it, or name one with `binary` or `ILUMA_SANDBOX_BIN`"));
    }

    /** A path, or a name on PATH. */
    private static Path named(String program, String how, UnaryOperator<String> variables) {
        boolean isName = Path.of(program).getNameCount() == 1 && !program.contains(File.separator);
        Optional<Path> found = isName ? onPath(program, variables) : Optional.of(Path.of(program)).filter(Binary::isProgram);
        return found.orElseThrow(() -> new SandboxException(how + " says `" + program + "`, and no program is there"));
    }

    private static Optional<Path> onPath(String name, UnaryOperator<String> variables) {
        String path = variables.apply("PATH");
        for (String folder : path == null ? new String[0] : path.split(File.pathSeparator)) {
            Path program = Path.of(folder, name);
            if (isProgram(program)) {
                return Optional.of(program);
            }
        }
        return Optional.empty();
    }

    private static boolean isProgram(Path path) {
        return Files.isRegularFile(path) && Files.isExecutable(path);
    }
}
