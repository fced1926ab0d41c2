package iluma.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples of the README run as they stand. */
class ReadmeTest {
    private static final Pattern BLOCK = Pattern.compile("(?s)```java\n(.*?)```");
    private static final Pattern CLASS = Pattern.compile("(?m)^class (\\w+)");

    @TempDir
    static Path folder;

    private static String classPath;

    @BeforeAll
    static void compile() throws IOException {
        classPath = folder + File.pathSeparator + System.getProperty("java.class.path");
        List<String> command = new ArrayList<>(List.of("-d", folder.toString(), "-cp", classPath, "-Xlint:all,-processing", "-Werror"));
        Matcher block = BLOCK.matcher(Files.readString(Path.of("README.md")));
        while (block.find()) {
            Matcher name = CLASS.matcher(block.group(1));
            assertTrue(name.find(), block.group(1));
            command.add(Files.writeString(folder.resolve(name.group(1) + ".java"), block.group(1)).toString());
        }
        assertEquals(0, ToolProvider.getSystemJavaCompiler().run(null, null, null, command.toArray(String[]::new)));
    }

    @Test
    void theTestSuitesPass() {
        List<String> strict = List.of("-D" + IlumaSandbox.FAIL_ON_UNUSED + "=true");
        String printed =
                NestedRun.of(Map.of(), strict, classPath, RunSuites.class.getName(), "PayoutTest", "ClockTest", "CallbackTest");
        assertTrue(printed.stripTrailing().endsWith("4 succeeded, 0 failed, 0 aborted"), printed);
    }

    @Test
    void theProgramWithoutJunitRuns() {
        String withoutJunit = folder + File.pathSeparator + Path.of("target", "classes");
        String printed = NestedRun.of(Map.of(), List.of(), withoutJunit, "Program");
        assertTrue(printed.matches("http://127.0.0.1:\\d+ iluma_development_\\w+ \\w+\\R"), printed);
    }
}
