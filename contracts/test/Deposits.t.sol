// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DepositAddress, Deposits} from "../src/Deposits.sol";
import {Token} from "./Tokens.sol";

interface Vm {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    function deal(address holder, uint256 balance) external;
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
}

/// A merchant that is a contract.
contract Receiver {
    enum Mode {
        TAKES,
        REFUSES,
        BURNS_GAS,
        GIVES_BACK,
        REENTERS
    }

    Mode public mode;
    Deposits private factory;
    Deposits.Terms private terms;

    constructor(Mode mode_) {
        mode = mode_;
    }

    function aim(Deposits factory_, Deposits.Terms calldata terms_) external {
        (factory, terms) = (factory_, terms_);
    }

    receive() external payable {
        if (mode == Mode.REFUSES) revert();
        if (mode == Mode.BURNS_GAS) assembly { invalid() }
        if (mode == Mode.GIVES_BACK) {
            (bool back,) = msg.sender.call{value: msg.value}("");
            require(back);
        }
        if (mode == Mode.REENTERS) {
            try factory.sweep(terms, address(0)) {
                revert("entered twice");
            } catch {}
        }
    }
}

/// A token that needs much gas, so that what a call keeps back is enough to go on without it.
contract Heavy {
    mapping(address => uint256) public balanceOf;
    mapping(address => bool) public frozen;

    function mint(address to, uint256 value) external {
        balanceOf[to] += value;
    }

    function freeze(address holder) external {
        frozen[holder] = true;
    }

    function transfer(address to, uint256 value) external {
        require(!frozen[to]);
        bytes32 worked;
        for (uint256 i; i < 2000; i++) {
            worked = keccak256(abi.encode(worked));
        }
        require(worked != 0);
        (balanceOf[msg.sender], balanceOf[to]) = (balanceOf[msg.sender] - value, balanceOf[to] + value);
    }
}

contract DepositsTest {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    address private constant MERCHANT = address(0x1111);
    address private constant TREASURY = address(0x2222);
    bytes32 private constant SWEPT = keccak256("Swept(bytes32,address,address,uint256,uint256)");
    bytes32 private constant FAILED = keccak256("Failed(bytes32,address,address)");

    Deposits private factory = new Deposits();

    // Sequences against the closed form ----------------------------------------------------------------------------

    /// Each step: money comes, the treasury is frozen or released, somebody sweeps or not. In the end the sums are the closed form.
    function testFuzz_sequence(uint64 net, uint64 fee, uint64[8] calldata comes, uint8 sweeps, uint8 frozen, uint8 mode)
        external
    {
        Token token = new Token(6, Token.Mode(mode % 3), 0);
        Deposits.Terms memory terms = _terms(net, fee);
        address place = factory.addressOf(terms);
        uint256 sum;
        for (uint256 i; i < 8; i++) {
            token.freeze(TREASURY, frozen >> i & 1 == 1);
            token.mint(place, comes[i]);
            sum += comes[i];
            if (sweeps >> i & 1 == 0) continue;
            uint256 paidBefore = token.balanceOf(TREASURY);
            factory.sweep(terms, address(token));
            uint256 due = _cut(sum, net, fee);
            if (frozen >> i & 1 == 1) require(token.balanceOf(TREASURY) == paidBefore, "a frozen treasury got money");
            else require(token.balanceOf(TREASURY) == due && token.balanceOf(place) == 0, "treasury");
            require(token.balanceOf(MERCHANT) == sum - due, "merchant");
            _isRecorded(token, place);
        }
        token.freeze(TREASURY, false);
        factory.sweep(terms, address(token));
        uint256 cut = _cut(sum, net, fee);
        require(
            token.balanceOf(TREASURY) == cut && token.balanceOf(MERCHANT) == sum - cut && token.balanceOf(place) == 0,
            "split"
        );
        _isRecorded(token, place);
    }

    /// An issuer destroys money of the address between sweeps: no sweep is refused, nothing is paid twice or beyond the fee.
    function testFuzz_destroyed(uint64 net, uint64 fee, uint64[6] calldata comes, uint64[6] calldata goes, uint8 frozen)
        external
    {
        Token token = new Token(6, Token.Mode.TRUE, 0);
        Deposits.Terms memory terms = _terms(net, fee);
        address place = factory.addressOf(terms);
        uint256 sum;
        for (uint256 i; i < 6; i++) {
            token.freeze(TREASURY, frozen >> i & 1 == 1);
            token.mint(place, comes[i]);
            factory.sweep(terms, address(token));
            uint256 gone = goes[i] < token.balanceOf(place) ? goes[i] : token.balanceOf(place);
            token.wipe(place, gone);
            sum = sum + comes[i] - gone;
            require(token.balanceOf(TREASURY) <= fee, "beyond the fee");
        }
        token.freeze(TREASURY, false);
        factory.sweep(terms, address(token));
        require(token.balanceOf(place) == 0 && token.balanceOf(TREASURY) <= _cut(sum, net, fee), "owed to the treasury");
        require(token.balanceOf(MERCHANT) + token.balanceOf(TREASURY) == sum, "sum");
    }

    /// Shares that round, of which an issuer destroys some: no sweep is refused but of a single unit, and no fee is exceeded.
    function testFuzz_destroyedShares(uint64 net, uint64 fee, uint64[6] calldata comes, uint64[6] calldata goes)
        external
    {
        Token token = new Token(18, Token.Mode.SHORT, 0);
        Deposits.Terms memory terms = _terms(net, fee);
        address place = factory.addressOf(terms);
        for (uint256 i; i < 6; i++) {
            token.mint(place, comes[i]);
            uint256 due = _dueToMerchant(token, terms);
            try factory.sweep(terms, address(token)) {}
            catch {
                require(due == 1, "could not leave");
            }
            token.wipe(place, goes[i] < token.balanceOf(place) ? goes[i] : token.balanceOf(place));
            require(token.balanceOf(TREASURY) <= fee, "beyond the fee");
        }
    }

    /// Tokens that move less or take more than asked, or keep a fee from the receiver: all can leave, and what left is recorded.
    function testFuzz_oddTokens(uint64 net, uint64 fee, uint64[4] calldata comes, uint8 points, bool greedy) external {
        Token token = new Token(18, greedy ? Token.Mode.GREEDY : Token.Mode.SHORT, points);
        Deposits.Terms memory terms = _terms(net, fee);
        address place = factory.addressOf(terms);
        for (uint256 i; i < 4; i++) {
            uint256 comes_ = uint256(comes[i]) + 3;
            token.mint(place, comes_);
            if (greedy) token.appear(place, 2); // what it takes beside the value
            try factory.sweep(terms, address(token)) {}
            catch {
                require(greedy || _dueToMerchant(token, terms) == 1, "could not leave"); // of a single unit nothing moves
            }
            if (points == 0) _isRecorded(token, place);
            (uint128 merchant, uint128 treasury) = factory.paid(place, address(token));
            require(
                treasury <= fee && token.balanceOf(TREASURY) <= treasury && token.balanceOf(MERCHANT) <= merchant,
                "recorded"
            );
        }
    }

    /// Balances beyond 128 bits: never a wrong split, and up to 128 bits can leave.
    function testFuzz_huge(uint256 first, uint256 second, uint128 net, uint128 fee) external {
        Token token = new Token(18, Token.Mode.TRUE, 0);
        Deposits.Terms memory terms = _terms(net, fee);
        address place = factory.addressOf(terms);
        first >>= 1;
        second >>= 1;
        token.mint(place, first);
        factory.sweep(terms, address(token));
        token.mint(place, second);
        factory.sweep(terms, address(token));
        uint256 most = type(uint128).max;
        uint256 sum = first + second < most ? first + second : most;
        uint256 cut = _cut(sum, net, fee);
        require(token.balanceOf(TREASURY) == cut && token.balanceOf(MERCHANT) == sum - cut, "split");
        _isRecorded(token, place);
    }

    // Batches and gas ----------------------------------------------------------------------------------------------

    /// With any gas: the batch is refused, or each that could be paid is paid, and only the bad is called failed.
    function testFuzz_batchGas(uint24 gas_, uint8 bad) external {
        Heavy token = new Heavy();
        Deposits.Terms[] memory many = new Deposits.Terms[](3);
        for (uint256 i; i < 3; i++) {
            many[i] = _terms(90, 10);
            many[i].merchant = address(uint160(0x5000 + i));
            token.mint(factory.addressOf(many[i]), 90);
        }
        token.freeze(many[bad % 3].merchant);
        VM.recordLogs();
        try factory.sweepMany{gas: 200_000 + uint256(gas_) % 3_000_000}(many, address(token)) {}
        catch {
            return;
        }
        for (uint256 i; i < 3; i++) {
            require(token.balanceOf(many[i].merchant) == (i == bad % 3 ? 0 : 90), "called done, and was not");
        }
        uint256 failures;
        Vm.Log[] memory logs = VM.getRecordedLogs();
        for (uint256 i; i < logs.length; i++) {
            if (logs[i].topics[0] != FAILED) continue;
            failures++;
            require(logs[i].topics[3] == bytes32(uint256(uint160(factory.addressOf(many[bad % 3])))), "which");
        }
        require(failures == 1, "failures");
    }

    /// With any gas: a sweep is refused, or the merchant has all of his; what the treasury lacks waits for the next.
    function testFuzz_sweepGas(uint24 gas_, uint64 comes) external {
        Heavy token = new Heavy();
        Deposits.Terms memory terms = _terms(90, 10);
        address place = factory.addressOf(terms);
        token.mint(place, comes);
        try factory.sweep{gas: 150_000 + uint256(gas_) % 2_500_000}(terms, address(token)) {
            require(token.balanceOf(MERCHANT) == comes - _cut(comes, 90, 10), "merchant");
        } catch {
            require(token.balanceOf(place) == comes, "refused, and yet moved");
        }
        factory.sweep(terms, address(token));
        require(token.balanceOf(TREASURY) == _cut(comes, 90, 10) && token.balanceOf(place) == 0, "treasury");
    }

    function test_anIssuersRefusalThatBurnsAllGasRefusesTheBatchAndHoldsUpNoSweep() external {
        Token token = new Token(6, Token.Mode.BURNS_GAS, 0);
        Deposits.Terms[] memory many = new Deposits.Terms[](2);
        (many[0], many[1]) = (_terms(90, 10), _terms(80, 10));
        many[0].merchant = address(0x5000);
        token.mint(factory.addressOf(many[0]), 100);
        token.mint(factory.addressOf(many[1]), 90);
        token.freeze(address(0x5000), true);
        try factory.sweepMany{gas: 3_000_000}(many, address(token)) {
            revert("not refused");
        } catch (bytes memory why) {
            require(bytes4(why) == Deposits.LowGas.selector, "why");
        }
        factory.sweep(many[1], address(token));
        require(token.balanceOf(MERCHANT) == 80, "merchant");
        token.freeze(address(0x5000), false);
        token.freeze(TREASURY, true);
        factory.sweep{gas: 20_000_000}(many[0], address(token));
        require(token.balanceOf(address(0x5000)) == 90, "held up by a treasury");
    }

    // Attacks ------------------------------------------------------------------------------------------------------

    function testFuzz_reentrantToken(uint64 net, uint64 fee, uint64 comes, uint8 how) external {
        Token token = new Token(6, Token.Mode.REENTRANT, 0);
        Deposits.Terms memory terms = _terms(net, fee);
        Deposits.Terms[] memory many = new Deposits.Terms[](1);
        many[0] = terms;
        address place = factory.addressOf(terms);
        token.mint(place, comes);
        if (how % 4 == 0) token.callBack(address(factory), abi.encodeCall(Deposits.sweep, (terms, address(token))));
        if (how % 4 == 1) token.callBack(address(factory), abi.encodeCall(Deposits.sweepMany, (many, address(token))));
        if (how % 4 == 2) {
            token.callBack(place, abi.encodeCall(DepositAddress.pay, (address(token), address(token), 1)));
        }
        if (how % 4 == 3) token.callBack(address(factory), abi.encodeCall(Deposits.deploy, (terms)));
        factory.sweep(terms, address(token));
        uint256 cut = _cut(comes, net, fee);
        require(token.balanceOf(TREASURY) == cut && token.balanceOf(MERCHANT) == comes - cut, "split");
        _isRecorded(token, place);
    }

    /// Somebody's order in made-up terms: the event names another address, and the order's own money stays.
    function testFuzz_madeUpTerms(address thief, uint64 net, uint64 fee) external {
        if (thief == MERCHANT || thief == TREASURY || thief == address(0)) thief = address(0x3333);
        Token token = new Token(6, Token.Mode.TRUE, 0);
        Deposits.Terms memory terms = _terms(90, 10);
        token.mint(factory.addressOf(terms), 100);
        Deposits.Terms memory madeUp = Deposits.Terms(terms.order, thief, TREASURY, net, fee);
        address elsewhere = factory.addressOf(madeUp);
        if (elsewhere == thief) return;
        token.mint(elsewhere, 100);
        VM.recordLogs();
        factory.sweep(madeUp, address(token));
        Vm.Log[] memory logs = VM.getRecordedLogs();
        Vm.Log memory last = logs[logs.length - 1];
        require(last.topics[0] == SWEPT && last.topics[1] == terms.order, "the event");
        require(last.topics[3] == bytes32(uint256(uint160(elsewhere))), "the address");
        require(token.balanceOf(factory.addressOf(terms)) == 100, "the order's money");
    }

    function testFuzz_strangersCannotPay(address stranger, uint64 value) external {
        Deposits.Terms memory terms = _terms(90, 10);
        address place = factory.deploy(terms);
        Token token = new Token(6, Token.Mode.TRUE, 0);
        address implementation = factory.implementation();
        token.mint(place, value);
        token.mint(implementation, value);
        (bool one,) = place.call(abi.encodeCall(DepositAddress.pay, (address(token), stranger, value)));
        (bool two,) = implementation.call(abi.encodeCall(DepositAddress.pay, (address(token), stranger, value)));
        require(!one && !two && token.balanceOf(place) == value, "a stranger paid");
    }

    function testFuzz_address(bytes32 order, address merchant, address treasury, uint256 net, uint256 fee) external {
        Deposits.Terms memory terms = Deposits.Terms(order, merchant, treasury, net, fee);
        address implementation = address(
            uint160(
                uint256(
                    keccak256(
                        abi.encodePacked(
                            bytes1(0xff), factory, bytes32(0), keccak256(type(DepositAddress).creationCode)
                        )
                    )
                )
            )
        );
        require(implementation == factory.implementation(), "implementation");
        bytes memory clone = abi.encodePacked(
            hex"3d602d80600a3d3981f3363d3d373d3d3d363d73", implementation, hex"5af43d82803e903d91602b57fd5bf3"
        );
        bytes32 salt = keccak256(abi.encode(order, merchant, treasury, net, fee));
        address derived =
            address(uint160(uint256(keccak256(abi.encodePacked(bytes1(0xff), factory, salt, keccak256(clone))))));
        require(derived == factory.addressOf(terms) && derived == factory.deploy(terms), "derived");
    }

    function test_termsWithStrayBitsAreRefused() external {
        bytes memory call = abi.encodeCall(Deposits.addressOf, (_terms(90, 10)));
        call[36] = 0x01; // above the merchant's 160 bits
        (bool done,) = address(factory).call(call);
        require(!done, "taken");
    }

    function test_somebodyElseDeploysFirst() external {
        Token token = new Token(6, Token.Mode.TRUE, 0);
        Deposits.Terms memory terms = _terms(90, 10);
        token.mint(factory.deploy(terms), 100);
        factory.sweep(terms, address(token));
        require(token.balanceOf(MERCHANT) == 90 && token.balanceOf(TREASURY) == 10, "split");
        try factory.deploy(terms) {
            revert("twice");
        } catch {}
    }

    function test_anEmptySweepSaysNothing() external {
        Token token = new Token(6, Token.Mode.TRUE, 0);
        VM.recordLogs();
        factory.sweep(_terms(90, 10), address(token));
        require(VM.getRecordedLogs().length == 0, "an event");
    }

    function test_aFrozenMerchantAndATokenThatIsStuckRefuseTheSweep() external {
        Token token = new Token(6, Token.Mode.STUCK, 0);
        Deposits.Terms memory terms = _terms(90, 10);
        token.mint(factory.addressOf(terms), 100);
        _isNotPaid(terms, address(token));
        token = new Token(6, Token.Mode.TRUE, 0);
        token.mint(factory.addressOf(terms), 100);
        token.freeze(MERCHANT, true);
        _isNotPaid(terms, address(token));
        try factory.sweep(terms, address(0xdead)) { // no token at all
            revert("paid");
        } catch {}
    }

    // Coins --------------------------------------------------------------------------------------------------------

    function testFuzz_coins(uint64 net, uint64 fee, uint64[4] calldata comes, uint8 sweeps) external {
        Receiver merchant = new Receiver(sweeps % 2 == 0 ? Receiver.Mode.TAKES : Receiver.Mode.REENTERS);
        address treasury = address(new Receiver(Receiver.Mode.TAKES));
        Deposits.Terms memory terms = Deposits.Terms(bytes32("order"), address(merchant), treasury, net, fee);
        merchant.aim(factory, terms);
        address place = factory.addressOf(terms);
        uint256 sum;
        for (uint256 i; i < 4; i++) {
            VM.deal(address(this), comes[i]);
            (bool sent,) = place.call{value: comes[i]}("");
            require(sent, "sent");
            sum += comes[i];
            if (sweeps >> i & 1 == 1) factory.sweep(terms, address(0));
        }
        factory.sweep(terms, address(0));
        uint256 cut = _cut(sum, net, fee);
        require(treasury.balance == cut && address(merchant).balance == sum - cut && place.balance == 0, "split");
    }

    function test_merchantsThatRefuseCoins() external {
        for (uint8 mode = 1; mode < 4; mode++) {
            Receiver merchant = new Receiver(Receiver.Mode(mode));
            Deposits.Terms memory terms = Deposits.Terms(bytes32("order"), address(merchant), TREASURY, 90, 10);
            VM.deal(factory.addressOf(terms), 100);
            try factory.sweep{gas: 3_000_000}(terms, address(0)) {
                revert("paid");
            } catch {}
            require(factory.addressOf(terms).balance == 100, "moved");
        }
    }

    function test_aTreasuryThatRefusesCoinsHoldsUpNobody() external {
        for (uint8 mode = 1; mode < 4; mode++) {
            address treasury = address(new Receiver(Receiver.Mode(mode)));
            Deposits.Terms memory terms = Deposits.Terms(bytes32(uint256(mode)), MERCHANT, treasury, 90, 10);
            VM.deal(factory.addressOf(terms), 100);
            VM.deal(MERCHANT, 0);
            factory.sweep{gas: 5_000_000}(terms, address(0));
            require(MERCHANT.balance == 90 && factory.addressOf(terms).balance == 10, "held up");
        }
    }

    function test_coinsGoInNoBatchAndNotToTheFactory() external {
        Deposits.Terms[] memory many = new Deposits.Terms[](1);
        many[0] = _terms(90, 10);
        try factory.sweepMany(many, address(0)) {
            revert("taken");
        } catch (bytes memory why) {
            require(bytes4(why) == Deposits.CoinInBatch.selector, "why");
        }
        VM.deal(address(this), 1);
        (bool sent,) = address(factory).call{value: 1}("");
        require(!sent, "the factory took a coin");
    }

    // --------------------------------------------------------------------------------------------------------------

    function _terms(uint256 net, uint256 fee) private pure returns (Deposits.Terms memory) {
        return Deposits.Terms(bytes32("order"), MERCHANT, TREASURY, net, fee);
    }

    function _cut(uint256 sum, uint256 net, uint256 fee) private pure returns (uint256) {
        return sum <= net ? 0 : sum - net < fee ? sum - net : fee;
    }

    function _dueToMerchant(Token token, Deposits.Terms memory terms) private view returns (uint256) {
        address place = factory.addressOf(terms);
        (uint128 merchant, uint128 treasury) = factory.paid(place, address(token));
        uint256 balance = token.balanceOf(place);
        uint256 cut = _cut(uint256(merchant) + treasury + balance, terms.net, terms.fee);
        uint256 due = cut > treasury ? cut - treasury : 0;
        return due < balance ? balance - due : 0;
    }

    function _isRecorded(Token token, address place) private view {
        (uint128 merchant, uint128 treasury) = factory.paid(place, address(token));
        require(merchant == token.balanceOf(MERCHANT) && treasury == token.balanceOf(TREASURY), "recorded");
    }

    function _isNotPaid(Deposits.Terms memory terms, address asset) private {
        try factory.sweep(terms, asset) {
            revert("paid");
        } catch (bytes memory why) {
            require(bytes4(why) == Deposits.NotPaid.selector, "why");
        }
    }
}
