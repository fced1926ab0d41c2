package iluma.sandbox;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Runs a program of the tests in a JVM of its own, with its own environment. */
final class NestedRun {
    private NestedRun() {}

    /** The output of suites, standard error included. */
    static String ofSuites(Map<String, String> environment, List<String> properties, Class<?>... suites) {
        String[] names = Arrays.stream(suites).map(Class::getName).toArray(String[]::new);
        return of(environment, properties, System.getProperty("java.class.path"), RunSuites.class.getName(), names);
    }

    static String of(
            Map<String, String> environment, List<String> properties, String classPath, String main, String... arguments) {
        try {
            Process process = start(environment, properties, classPath, main, arguments).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            process.waitFor();
            return printed;
        } catch (IOException | InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    static ProcessBuilder start(
            Map<String, String> environment, List<String> properties, String classPath, String main, String... arguments) {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(List.of("-cp", classPath, "-Dfile.encoding=UTF-8"));
        command.addAll(properties);
        command.add(main);
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().keySet().removeIf(name -> name.startsWith("ILUMA_") && !name.equals("ILUMA_SANDBOX_BIN"));
        builder.environment().putAll(environment);
        return builder;
    }
}
