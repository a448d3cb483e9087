<?php
// A receiver of Recoup's webhooks, PHP 8: WEBHOOK_KEY=… php -S 127.0.0.1:8700 receiver.php
// PHP remembers nothing between two requests: keep EventId, OrderId, Sequence and Order in your database.

function signature(string $key, string $nonce, string $date, string $host, string $body): string
{
    $content = base64_encode(hash('sha512', $body, true));
    return base64_encode(hash_hmac('sha512', "POST\n$nonce;$date;$host;$content", base64_decode($key), true));
}

$body = file_get_contents('php://input');
$parts = explode('Signature=', $_SERVER['HTTP_X_FC_AUTHORIZATION'] ?? '');
$good = false;
foreach (explode(',', getenv('WEBHOOK_KEY')) as $key) { // two while a key is replaced
    $made = signature($key, $_SERVER['HTTP_X_FC_NONCE'] ?? '', $_SERVER['HTTP_X_FC_DATE'] ?? '', $_SERVER['HTTP_HOST'], $body);
    $good = hash_equals($made, end($parts)) || $good;
}
http_response_code($good ? 200 : 401);
if ($good) {
    $event = json_decode($body, true);
    file_put_contents('php://stdout', "{$event['Event']} {$event['OrderId']}\n");
}
