// Rotary positions: pair (k, k + pairs) of every head of row n turns by sign * position(n) * 10000^(-2k / head_dim). Option: -DBFLOAT16.
#include "elements.cuh"

// One thread takes one pair of one row, in all heads: the angle is the same. Angles in double precision: position times frequency loses the fraction of a turn
// in float from about 10^6 tokens on. position(n) = (start + n) * cell + offset for row n of a document.
extern "C" __global__ void __launch_bounds__(256) rotate(
    const Element* __restrict__ x, Element* y, long long rows, int length, int heads, int head_dim, double start, double cell, double offset, float sign)
{
    const int pairs = head_dim / 2, slots = head_dim - pairs;
    const long long item = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (item >= rows * slots)
        return;
    const long long row = item / slots;
    const int k = (int)(item % slots);
    const Element* source = x + row * heads * head_dim;
    Element* target = y + row * heads * head_dim;
    if (k == pairs)
    {
        // The last channel of an odd number stays.
        for (int head = 0; head < heads; head++)
            target[head * head_dim + head_dim - 1] = source[head * head_dim + head_dim - 1];
        return;
    }
    const double position = (start + (double)(row % length)) * cell + offset;
    double sine, cosine;
    sincos(position * exp(k * (-2 * 9.2103403719761827 / head_dim)), &sine, &cosine);
    const float s = rounded((float)sine) * sign, c = rounded((float)cosine);
    for (int head = 0; head < heads; head++)
    {
        const int first = head * head_dim + k, second = first + pairs;
        const float a = to_float(source[first]), b = to_float(source[second]);
        store(target + first, a * c - b * s);
        store(target + second, a * s + b * c);
    }
}
