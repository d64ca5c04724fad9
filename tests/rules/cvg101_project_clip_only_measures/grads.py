"""Named like torch's, but without a bound it only measures."""


def clip_grad_value_(parameters, clip_value, norm_type=2.0):
    total = 0.0
    for parameter in parameters:
        if parameter.grad is None:
            continue
        total += parameter.grad.data.norm(norm_type).item() ** norm_type
        if clip_value is not None:
            parameter.grad.data.clamp_(min=-clip_value, max=clip_value)
    return total ** (1.0 / norm_type)
