// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Clones} from "@oz/proxy/Clones.sol";
import {ReentrancyGuard} from "@oz/utils/ReentrancyGuard.sol";

/// Nothing is said about what `transfer` returns: USDT returns nothing on Ethereum, and false on TRON when it succeeds.
interface IToken {
    function balanceOf(address holder) external view returns (uint256);
    function transfer(address to, uint256 value) external;
}

/// The balance of an asset; the zero address stands for the chain's coin.
function held(address asset, address holder) view returns (uint256) {
    return asset == address(0) ? holder.balance : IToken(asset).balanceOf(holder);
}

function least(uint256 a, uint256 b) pure returns (uint256) {
    return a < b ? a : b;
}

/// What `a` has more than `b`.
function above(uint256 a, uint256 b) pure returns (uint256) {
    return a > b ? a - b : 0;
}

/// The code behind the address of every order. Pays what its factory says; has no owner, and nothing else moves its money.
contract DepositAddress {
    address private immutable factory = msg.sender;

    error NotTheFactory();

    receive() external payable {}

    /// Pays and returns what left, at most `value`; 0 when the payment failed.
    function pay(address asset, address to, uint256 value) external returns (uint256) {
        if (msg.sender != factory) revert NotTheFactory();
        uint256 before = held(asset, address(this));
        (bool done,) =
            asset == address(0) ? to.call{value: value}("") : asset.call(abi.encodeCall(IToken.transfer, (to, value)));
        return done ? least(above(before, held(asset, address(this))), value) : 0;
    }
}

/// An address for each order, whose salt is the hash of the order's terms: anyone may sweep it, nobody can redirect it.
contract Deposits is ReentrancyGuard {
    struct Terms {
        bytes32 order;
        address merchant;
        address treasury;
        uint256 net;
        uint256 fee;
    }

    struct Paid {
        uint128 merchant;
        uint128 treasury;
    }

    /// By CREATE2, so that its address follows from the factory's on TRON too, where CREATE hashes the transaction.
    address public immutable implementation = address(new DepositAddress{salt: 0}());

    /// What has left a deposit address. Two totals: with one, a frozen treasury's fee would go to the merchant.
    mapping(address deposit => mapping(address asset => Paid)) public paid;

    /// To be believed of `deposit` alone: anyone can make up terms with somebody's order, but their address is another.
    event Swept(
        bytes32 indexed order, address indexed asset, address indexed deposit, uint256 toMerchant, uint256 toTreasury
    );
    /// A hint: anyone can have a batch fail, by too little gas in the right place or by terms of his own.
    event Failed(bytes32 indexed order, address indexed asset, address indexed deposit);

    error NotPaid();
    error WrongMachine();
    error LowGas();
    error CoinInBatch();

    function addressOf(Terms calldata terms) public view returns (address) {
        return Clones.predictDeterministicAddress(implementation, keccak256(abi.encode(terms)));
    }

    /// Puts the code at the address of these terms. A dry run is a proof: the chain itself says where the address is.
    function deploy(Terms calldata terms) public returns (address) {
        return Clones.cloneDeterministic(implementation, keccak256(abi.encode(terms)));
    }

    /// Merchant up to net, then treasury up to fee, the rest merchant: the same sums in any number of sweeps.
    function sweep(Terms calldata terms, address asset) external nonReentrant {
        address place = addressOf(terms);
        if (place.code.length == 0 && deploy(terms) != place) revert WrongMachine();
        DepositAddress deposit = DepositAddress(payable(place));
        Paid memory sums = paid[place][asset];
        uint256 left = uint256(sums.merchant) + sums.treasury;
        // What is beyond 128 bits stays where it is; so no total can overflow.
        uint256 balance = least(held(asset, place), type(uint128).max - left);
        // An issuer may destroy money of the address: less can be there than is owed, or even less than was paid.
        uint256 toTreasury = least(above(_cut(left + balance, terms), sums.treasury), balance);
        uint256 toMerchant = balance - toTreasury;
        if (toMerchant > 0) {
            toMerchant = deposit.pay(asset, terms.merchant, toMerchant);
            if (toMerchant == 0) revert NotPaid();
        }
        // A frozen treasury holds up nobody: its part stays where it is, for the next sweep.
        if (toTreasury > 0) toTreasury = deposit.pay(asset, terms.treasury, toTreasury);
        if (toMerchant + toTreasury == 0) return;
        paid[place][asset] = Paid(sums.merchant + uint128(toMerchant), sums.treasury + uint128(toTreasury));
        emit Swept(terms.order, asset, place, toMerchant, toTreasury);
    }

    /// Tries each alone. Not for coins: whoever receives them could burn the gas of all.
    function sweepMany(Terms[] calldata terms, address asset) external {
        if (asset == address(0)) revert CoinInBatch();
        for (uint256 i; i < terms.length; i++) {
            uint256 gasBefore = gasleft();
            try this.sweep(terms[i], asset) {}
            catch {
                // A call keeps 1/64 of the gas back, eight nested ones less than 1/8: what is left says whether this one
                // ran out. Else a batch with too little gas would succeed and pay nobody, and gas could not be estimated.
                if (gasleft() < gasBefore / 8) revert LowGas();
                emit Failed(terms[i].order, asset, addressOf(terms[i]));
            }
        }
    }

    function balances(address asset, address[] calldata holders) external view returns (uint256[] memory amounts) {
        amounts = new uint256[](holders.length);
        for (uint256 i; i < holders.length; i++) {
            amounts[i] = held(asset, holders[i]);
        }
    }

    /// The treasury's part of all that came.
    function _cut(uint256 total, Terms calldata terms) private pure returns (uint256) {
        return least(above(total, terms.net), terms.fee);
    }
}
