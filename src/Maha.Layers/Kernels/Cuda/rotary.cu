// Rotary positions: pair (k, k + pairs) of the first heads of row n turns by sign * position(n) * 10000^(-2k / head_dim); the other heads are copied.
// Option: -DBFLOAT16.
#include "elements.cuh"

#define MAX_PARTS 12

// A tensor: position(n) = first + n * cell for row n of a document. CudaRotationFunction in C# has the same layout.
struct RotationPart
{
    const Element* x;
    Element* y;
    long long rows;
    double first;
    double cell;
    int length; // rows per document
    int unused;
};

struct RotationCall
{
    RotationPart parts[MAX_PARTS];
    int count;
    int heads;        // of a row
    int turned_heads; // the first ones
    int head_dim;
    float sign;
};

// One thread takes one pair of one row, in all heads: the angle is the same. Angles in double precision: position times frequency loses the fraction of a turn
// in float from about 10^6 tokens on.
extern "C" __global__ void __launch_bounds__(256) rotate(const __grid_constant__ RotationCall call)
{
    const int head_dim = call.head_dim, heads = call.heads, pairs = head_dim / 2, slots = head_dim - pairs;
    long long item = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    int index = 0;
    while (index < call.count && item >= call.parts[index].rows * slots)
        item -= call.parts[index++].rows * slots;
    if (index == call.count)
        return;
    const RotationPart& part = call.parts[index];
    const long long row = item / slots;
    const int k = (int)(item % slots);
    const Element* source = part.x + row * heads * head_dim;
    Element* target = part.y + row * heads * head_dim;
    if (k == pairs)
    {
        // The last channel of an odd number stays.
        for (int head = 0; head < heads; head++)
            target[head * head_dim + head_dim - 1] = source[head * head_dim + head_dim - 1];
        return;
    }
    const double position = part.first + (double)(row % part.length) * part.cell;
    double sine, cosine;
    sincos(position * exp(k * (-2 * 9.2103403719761827 / head_dim)), &sine, &cosine);
    const float s = rounded((float)sine) * call.sign, c = rounded((float)cosine);
    for (int head = 0; head < call.turned_heads; head++)
    {
        const int first = head * head_dim + k, second = first + pairs;
        const float a = to_float(source[first]), b = to_float(source[second]);
        store(target + first, a * c - b * s);
        store(target + second, a * s + b * c);
    }
    for (int head = call.turned_heads; head < heads; head++)
    {
        const int first = head * head_dim + k;
        target[first] = source[first];
        target[first + pairs] = source[first + pairs];
    }
}
