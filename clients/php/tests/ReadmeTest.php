<?php

declare(strict_types=1);

namespace IlumaSandbox\Tests;

use IlumaSandbox\Sandbox;

/** The examples of the documents run as they stand. */
final class ReadmeTest extends SandboxTestCase
{
    /** @return list<string> the examples of a page, without the opening tag */
    private static function examples(string $page): array
    {
        preg_match_all('/^```php\n(?:<\?php\n\n)?(.*?)^```$/sm', (string) file_get_contents($page), $found);
        return $found[1];
    }

    public function testTheTestsPass(): void
    {
        [$tests, , $callbacks] = self::examples(__DIR__ . '/../README.md');
        $files = ['PayoutTest.php' => $tests, 'CallbackTest.php' => $callbacks];
        [$code, $output] = $this->runTests($files, ['--fail-on-risky']);
        self::assertSame(0, $code, $output);
        self::assertStringContainsString('OK (3 tests, ', $output);
    }

    public function testTheTestsPassWithTheBaseClass(): void
    {
        [$tests, $base, $callbacks] = self::examples(__DIR__ . '/../README.md');
        $base = $this->file('base.php', "<?php\n$base");
        $require = 'require_once ' . var_export($base, true) . ";\n";
        $files = [];
        foreach (['PayoutTest.php' => $tests, 'CallbackTest.php' => $callbacks] as $name => $text) {
            $withBase = str_replace(['extends TestCase', "    use IlumaWorlds;\n"], ['extends IlumaTestCase', ''], $text, $count);
            self::assertSame(2, $count);
            $files[$name] = $require . $withBase;
        }
        $files['ClockTest.php'] = $require . 'final class ClockTest extends IlumaTestCase {
            public function testIt() {
                $this->assertEquals(new DateTimeImmutable("2026-05-01T00:00:00Z"), $this->ilumaWorld()->now());
            }
        }';
        [$code, $output] = $this->runTests($files, ['--fail-on-risky']);
        self::assertSame(0, $code, $output);
        self::assertStringContainsString('OK (4 tests, ', $output);
    }

    public function testASandboxThatRunsTakesThePlaceOfOneThatWouldBeStarted(): void
    {
        $this->clearVariables('BIN');
        $sandbox = Sandbox::start(args: ['--control-token', 'secret']);
        $this->setVariable('ILUMA_SANDBOX_URL', $sandbox->url);
        $this->setVariable('ILUMA_SANDBOX_CONTROL_TOKEN', 'secret');
        $this->setVariable('ILUMA_SANDBOX_BIN', '/nowhere');
        [$code, $output] = $this->runTests(['PayoutTest.php' => self::examples(__DIR__ . '/../README.md')[0]]);
        self::assertSame(0, $code, $output);
    }

    public function testTheScriptWithoutPhpunitRuns(): void
    {
        $autoload = 'require ' . var_export(__DIR__ . '/bootstrap.php', true) . ';';
        $script = str_replace("require 'vendor/autoload.php';", $autoload, self::examples(__DIR__ . '/../README.md')[3], $count);
        self::assertSame(1, $count);
        [$code, $output] = $this->runPhp([$this->file('script.php', "<?php\n$script")]);
        self::assertSame(0, $code, $output);
        self::assertMatchesRegularExpression('~^http://127\.0\.0\.1:[0-9]+ iluma_development_\w+ \w+\n$~', $output);
    }

    public function testTheExampleOfTheBookRuns(): void
    {
        $page = __DIR__ . '/../../../docs/tests.md';
        if (!is_file($page)) {
            self::markTestSkipped('this copy of the package has no book');
        }
        [$example] = self::examples($page);
        [, $codeUnderTest] = explode('/** The code under test', self::examples(__DIR__ . '/../README.md')[0]);
        $imports = "use IlumaSandbox\\IlumaWorlds;\nuse PHPUnit\\Framework\\TestCase;\n";
        [$code, $output] = $this->runTests(['PayoutTest.php' => "$imports$example/** The code under test$codeUnderTest"]);
        self::assertSame(0, $code, $output);
    }
}
