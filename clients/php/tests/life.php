<?php

declare(strict_types=1);

// What a test of another process does in its world. Prints all replies: `php life.php URL NUMBER`.

use IlumaSandbox\Sandbox;
use IlumaSandbox\Tests\Product;

require __DIR__ . '/bootstrap.php';

[, $url, $number] = $argv;
$number = (int) $number;
$world = Sandbox::connect($url)->world("life $number");
$account = (string) (7_000_000_000 + $number);
$replies = [];
$ask = static function (?string $magic = null) use ($world, $account, &$replies): int {
    $reply = Product::askForAccount($world, $account, $magic);
    $replies[] = $reply->text;
    return $reply->status;
};
$expect = static function (mixed $expected, mixed $received): void {
    if ($expected !== $received) {
        throw new LogicException('expected ' . json_encode($expected) . ', received ' . json_encode($received));
    }
};

Product::register($world);
$pending = 1 + $number % 3;
for ($nth = 0; $nth < $pending; $nth++) {
    $expect(200, $ask('PENDING_THEN_COMPLETED_FOUND'));
}
$record = json_decode($replies[0], true)['id'];

// The parent answers when all processes have come to this line.
echo "here\n";
fgets(STDIN);

$queued = 1 + $number % 2;
$world->next(Product::BANK, 'SERVER_ERROR', $queued);
for ($nth = 0; $nth < $queued; $nth++) {
    $expect(500, $ask());
}
$world->advance(60 + $number);
$replies[] = $world->now()->format(DATE_ATOM);
$replies[] = Product::ask($world, Product::BANK_PATH . "/$record")->text;
$expect('COMPLETED', json_decode(end($replies), true)['status']);
$world->idle('30s');
$sent = $world->deliveries(state: 'delivered');
$expect($pending, count($sent));
$received = $world->inbox()->received();
$expect($pending + 1, count($received)); // and the test of the URL
$bodies = array_column($sent->items, 'body');
sort($bodies);
array_push($replies, ...$bodies);
$world->verify(endpoint: Product::BANK, method: 'POST', body: Product::account($account), exactly: $pending + $queued);
$world->end();
echo implode("\n", $replies);
