<?php // Prints each event once, if your Recoup signed it. WEBHOOK_KEY=… php -S 127.0.0.1:9000 consumer.php
function is_ours(string $key, array $head, string $body): bool {
    [$nonce, $date, $host] = [$head['HTTP_X_FC_NONCE'] ?? '', $head['HTTP_X_FC_DATE'] ?? '', $head['HTTP_HOST'] ?? ''];
    $digest = base64_encode(hash('sha512', $body, true));
    $mac = base64_encode(hash_hmac('sha512', "POST\n{$nonce};{$date};{$host};{$digest}", base64_decode($key), true));
    $given = explode('&Signature=', $head['HTTP_X_FC_AUTHORIZATION'] ?? '')[1] ?? '';
    return hash_equals($mac, $given) && abs(time() - strtotime($date)) < 300;
}

$body = file_get_contents('php://input');
$ours = is_ours(getenv('WEBHOOK_KEY'), $_SERVER, $body);
if ($ours) {
    $event = json_decode($body, true);
    $seen = sys_get_temp_dir() . '/recoup-' . hash('sha256', $event['EventData']['EventId']);
    if (@fopen($seen, 'x')) { // made by the first of two at once
        file_put_contents('php://stderr', "signed: {$event['Event']} {$event['ExternalOrderId']}\n");
    }
}
http_response_code($ours ? 204 : 401);
