"""The last block of a ViT whose head reads the class token: nothing else of it is computed."""

from __future__ import annotations

from typing import Any

from timm.models.vision_transformer import Block
from torch import Tensor
from torch.nn.functional import linear, scaled_dot_product_attention


class ClassTokenBlock(Block):
    """timm's block for the first token alone, to which the others are keys and values: (N, T, width) to (N, 1, width).

    Equal to timm's block at the first token, but for rounding; so are its gradients: no loss reaches other tokens.
    """

    def forward(self, x: Tensor, attn_mask: Tensor | None = None, is_causal: bool = False) -> Tensor:
        assert attn_mask is None and not is_causal
        token = x[:, :1] + self.drop_path1(self.ls1(self._attended(self.norm1(x))))
        return token + self.drop_path2(self.ls2(self.mlp(self.norm2(token))))

    def _attended(self, x: Tensor) -> Tensor:
        """(N, 1, width): the first token's attention over all tokens of (N, T, width)."""
        attention: Any = self.attn
        samples, tokens, _ = x.shape
        width, heads = attention.attn_dim, attention.num_heads
        weight, bias = attention.qkv.weight, attention.qkv.bias
        query = linear(x[:, :1], weight[:width], bias if bias is None else bias[:width])
        both = linear(x, weight[width:], bias if bias is None else bias[width:])
        query = query.view(samples, 1, heads, -1).transpose(1, 2)
        key, value = both.view(samples, tokens, 2, heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        query, key = attention.q_norm(query), attention.k_norm(key)
        share = attention.attn_drop.p if self.training else 0.0
        found = scaled_dot_product_attention(query, key, value, dropout_p=share)
        return attention.proj_drop(attention.proj(attention.norm(found.transpose(1, 2).reshape(samples, 1, width))))


def read_class_token_alone(net: Any) -> None:
    """Make the last block of timm's VisionTransformer one that computes its first token. Parameters stay as they are.

    Raises ValueError where the head reads more than the class token, or attention is gated.
    """
    last = net.blocks[-1]
    if net.global_pool != "token" or net.num_prefix_tokens < 1 or last.attn.gate is not None:
        raise ValueError("the last block may be cut to its class token only where the head reads nothing else")
    last.__class__ = ClassTokenBlock
