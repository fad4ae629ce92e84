// The C ABI between the managed TorchSharp subset and libtorch: tensors are raw TensorImpl pointers that own
// one reference (0 = undefined tensor), arguments and results are 16-byte tagged values.
#pragma once
#include <cstdint>
#include <exception>

#include <ATen/ATen.h>

#define MAHA_API extern "C" __attribute__((visibility("default")))

enum ValueTag : int32_t {
  kDefault = 0,  // the schema's default
  kNone = 1,
  kTensor = 2,
  kInt = 3,
  kDouble = 4,
  kBool = 5,
  kIntList = 6,
  kDoubleList = 7,
  kTensorList = 8,   // as an element of an index list, 0 means "no tensor"
  kString = 9,
  kDevice = 10,      // count = device type, integer = index
  kGenerator = 11,
  kBoolList = 12,
};

struct Value {
  int32_t tag;
  int32_t count;
  union {
    void* pointer;
    int64_t integer;
    double real;
  };
};
static_assert(sizeof(Value) == 16, "the managed side passes 16-byte values");

using TensorHandle = at::TensorImpl*;

// A new reference for the managed side; undefined tensors are 0.
inline TensorHandle release(at::Tensor t) { return t.defined() ? t.unsafeReleaseTensorImpl() : nullptr; }

// A tensor that shares the managed side's object.
inline at::Tensor borrow(TensorHandle h) {
  if (!h) return at::Tensor();
  return at::Tensor(c10::intrusive_ptr<at::TensorImpl, c10::UndefinedTensorImpl>::reclaim_copy(h));
}

// Keeps the message of the exception in flight for maha_last_error; returns 1.
int remember_error();

// Nothing may leave through the C ABI: an exception there would end the process.
template <class F>
int guarded(F&& body) {
  try {
    body();
    return 0;
  } catch (...) {
    return remember_error();
  }
}
