// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// A token that behaves as one of those in use, or as an attacker's. Anyone may mint and freeze: for tests only.
contract Token {
    enum Mode {
        TRUE, // as the standard says
        NOTHING, // USDT on Ethereum
        FALSE, // USDT on TRON: false, and yet it moved
        STUCK, // false, and nothing moved
        REENTRANT, // calls `target` with `payload` in the middle of a transfer
        SHORT, // moves a unit less than asked, as shares that round do
        GREEDY, // takes a unit more from the sender
        BURNS_GAS // a refusal takes all gas with it, as old compilers' `assert` did
    }

    uint8 public decimals;
    Mode public mode;
    uint256 public feePoints; // of 10,000, kept from the receiver
    mapping(address => uint256) public balanceOf;
    mapping(address => bool) public frozen;
    address public target;
    bytes public payload;

    event Transfer(address indexed from, address indexed to, uint256 value);

    constructor(uint8 decimals_, Mode mode_, uint256 feePoints_) {
        (decimals, mode, feePoints) = (decimals_, mode_, feePoints_);
    }

    function mint(address to, uint256 value) external {
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function freeze(address holder, bool yes) external {
        frozen[holder] = yes;
    }

    /// As an issuer destroys a blacklisted holder's money.
    function wipe(address holder, uint256 value) external {
        balanceOf[holder] -= value;
        emit Transfer(holder, address(0), value);
    }

    /// Money that comes without a log, as Polygon's bridge may bring it.
    function appear(address to, uint256 value) external {
        balanceOf[to] += value;
    }

    function callBack(address target_, bytes calldata payload_) external {
        (target, payload) = (target_, payload_);
    }

    function transfer(address to, uint256 value) external {
        if (frozen[msg.sender] || frozen[to]) {
            if (mode == Mode.BURNS_GAS) assembly { invalid() }
            revert("frozen");
        }
        if (mode != Mode.STUCK) _move(msg.sender, to, value);
        if (mode == Mode.REENTRANT) _call();
        Mode answer = mode;
        assembly {
            if iszero(eq(answer, 1)) {
                mstore(0, iszero(or(eq(answer, 2), eq(answer, 3))))
                return(0, 32)
            }
        }
    }

    /// Several transfers in one transaction, as exchanges pay out.
    function transferMany(address[] calldata to, uint256[] calldata values) external {
        for (uint256 i; i < to.length; i++) {
            _move(msg.sender, to[i], values[i]);
        }
    }

    function _move(address from, address to, uint256 value) private {
        uint256 arrives = value - value * feePoints / 10_000;
        if (mode == Mode.SHORT && value > 0) (value, arrives) = (value - 1, arrives - 1);
        balanceOf[from] -= mode == Mode.GREEDY ? value + 1 : value;
        balanceOf[to] += arrives;
        emit Transfer(from, to, arrives);
    }

    function _call() private {
        if (target == address(0)) return;
        (bool done,) = target.call(payload);
        done;
    }
}
