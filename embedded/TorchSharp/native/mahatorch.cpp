#include "mahatorch.h"

#include <malloc.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>
#include <ATen/core/jit_type.h>
#include <c10/core/InferenceMode.h>
#include <torch/cuda.h>
#include <torch/version.h>

namespace {

thread_local std::string last_error;

// Page faults of freshly mapped blocks cost 10 to 50% of a training step: let malloc keep what it got.
struct KeepMemory {
  KeepMemory() {
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_TOP_PAD, 64 << 20);
  }
} keep_memory;

enum class Kind { Tensor, TensorList, OptionalTensorList, Int, IntList, Double, DoubleList, Bool, BoolList, Scalar, Device, String, Generator, Other };

Kind kind_of(c10::TypePtr type) {
  using c10::TypeKind;
  switch (type->kind()) {
    case TypeKind::TensorType: return Kind::Tensor;
    case TypeKind::IntType: return Kind::Int;
    case TypeKind::FloatType: return Kind::Double;
    case TypeKind::BoolType: return Kind::Bool;
    case TypeKind::NumberType: return Kind::Scalar;
    case TypeKind::DeviceObjType: return Kind::Device;
    case TypeKind::StringType: return Kind::String;
    case TypeKind::GeneratorType: return Kind::Generator;
    case TypeKind::ListType: {
      auto element = type->castRaw<c10::ListType>()->getElementType();
      if (element->kind() == TypeKind::OptionalType) return Kind::OptionalTensorList;
      switch (kind_of(element)) {
        case Kind::Tensor: return Kind::TensorList;
        case Kind::Int: return Kind::IntList;
        case Kind::Double: return Kind::DoubleList;
        case Kind::Bool: return Kind::BoolList;
        default: return Kind::Other;
      }
    }
    default: return Kind::Other;
  }
}

struct Slot {
  Kind kind;
  int source;  // position among the caller's arguments, -1 = always the default
  bool optional;
  int fixed_size;  // N of int[N], so that one number can stand for the list
  c10::optional<c10::IValue> fallback;
  std::string name;
};

// The signatures of most small operators: called directly they save the packing into a stack, a tenth of their time.
enum class Shape { General, Unary, Binary, BinaryWithScalar };

struct Operator {
  c10::OperatorHandle handle;
  std::vector<Slot> slots;
  std::string name;
  Shape shape = Shape::General;
};

Shape shape_of(const Operator& op) {
  const auto& schema = op.handle.schema();
  if (schema.returns().size() != 1 || schema.returns()[0].type()->kind() != c10::TypeKind::TensorType) return Shape::General;
  // In-place and out forms have other C++ signatures.
  for (const auto& argument : schema.arguments())
    if (argument.alias_info()) return Shape::General;
  std::vector<Kind> kinds;
  for (const auto& slot : op.slots) {
    if (slot.optional) return Shape::General;
    kinds.push_back(slot.kind);
  }
  if (kinds == std::vector<Kind>{Kind::Tensor}) return Shape::Unary;
  if (kinds == std::vector<Kind>{Kind::Tensor, Kind::Tensor}) return Shape::Binary;
  if (kinds == std::vector<Kind>{Kind::Tensor, Kind::Tensor, Kind::Scalar}) return Shape::BinaryWithScalar;
  return Shape::General;
}

// A tensor for the length of a call, without touching the reference count.
class Lent {
 public:
  explicit Lent(const Value& v)
      : tensor_(c10::intrusive_ptr<at::TensorImpl, c10::UndefinedTensorImpl>::reclaim(static_cast<TensorHandle>(v.pointer))) {}
  ~Lent() { tensor_.unsafeReleaseTensorImpl(); }
  Lent(const Lent&) = delete;
  operator const at::Tensor&() const { return tensor_; }

 private:
  at::Tensor tensor_;
};

[[noreturn]] void refuse(const Operator& op, const Slot& slot, const char* why) {
  throw std::invalid_argument(op.name + ": argument '" + slot.name + "' " + why + ".");
}

double number(const Value& v) { return v.tag == kDouble ? v.real : static_cast<double>(v.integer); }

c10::Scalar scalar(const Value& v) {
  if (v.tag == kDouble) return c10::Scalar(v.real);
  if (v.tag == kBool) return c10::Scalar(v.integer != 0);
  return c10::Scalar(v.integer);
}

c10::IValue default_of(const Operator& op, const Slot& slot) {
  if (slot.fallback) return *slot.fallback;
  if (slot.optional) return c10::IValue();
  refuse(op, slot, "has no default and was not given");
}

c10::IValue convert(const Operator& op, const Slot& slot, const Value& v) {
  if (v.tag == kDefault) return default_of(op, slot);
  if (v.tag == kNone) {
    if (slot.optional) return c10::IValue();
    if (slot.kind == Kind::Tensor) refuse(op, slot, "must be a tensor, but is null");
    refuse(op, slot, "must not be null");
  }
  switch (slot.kind) {
    case Kind::Tensor:
      if (v.tag == kTensor) {
        if (!v.pointer && !slot.optional) refuse(op, slot, "must be a tensor, but is undefined");
        return v.pointer ? c10::IValue(borrow(static_cast<TensorHandle>(v.pointer))) : c10::IValue();
      }
      if (v.tag == kInt || v.tag == kDouble || v.tag == kBool) {
        auto t = c10::scalar_to_tensor(scalar(v));
        t.unsafeGetTensorImpl()->set_wrapped_number(true);
        return t;
      }
      break;
    case Kind::TensorList:
      if (v.tag == kTensorList) {
        c10::List<at::Tensor> list;
        list.reserve(v.count);
        for (int i = 0; i < v.count; i++) list.push_back(borrow(static_cast<TensorHandle*>(v.pointer)[i]));
        return list;
      }
      if (v.tag == kTensor) return c10::List<at::Tensor>({borrow(static_cast<TensorHandle>(v.pointer))});
      break;
    case Kind::OptionalTensorList:
      if (v.tag == kTensorList) {
        c10::List<c10::optional<at::Tensor>> list;
        list.reserve(v.count);
        for (int i = 0; i < v.count; i++) {
          auto h = static_cast<TensorHandle*>(v.pointer)[i];
          list.push_back(h ? c10::optional<at::Tensor>(borrow(h)) : c10::optional<at::Tensor>());
        }
        return list;
      }
      break;
    case Kind::Int:
      if (v.tag == kInt || v.tag == kBool) return v.integer;
      break;
    case Kind::Double:
      if (v.tag == kDouble || v.tag == kInt) return number(v);
      break;
    case Kind::Bool:
      if (v.tag == kBool || v.tag == kInt) return v.integer != 0;
      break;
    case Kind::Scalar:
      if (v.tag == kInt || v.tag == kDouble || v.tag == kBool) return scalar(v);
      break;
    case Kind::IntList:
      if (v.tag == kIntList) {
        auto p = static_cast<const int64_t*>(v.pointer);
        return c10::IValue(c10::IntArrayRef(p, v.count));
      }
      if (v.tag == kInt) return c10::IValue(std::vector<int64_t>(slot.fixed_size > 0 ? slot.fixed_size : 1, v.integer));
      break;
    case Kind::DoubleList:
      if (v.tag == kDoubleList) {
        auto p = static_cast<const double*>(v.pointer);
        return c10::IValue(std::vector<double>(p, p + v.count));
      }
      break;
    case Kind::BoolList:
      if (v.tag == kBoolList || v.tag == kIntList) {
        c10::List<bool> list;
        for (int i = 0; i < v.count; i++) list.push_back(static_cast<const int64_t*>(v.pointer)[i] != 0);
        return list;
      }
      break;
    case Kind::Device:
      if (v.tag == kDevice) return c10::Device(static_cast<c10::DeviceType>(v.count), static_cast<c10::DeviceIndex>(v.integer));
      break;
    case Kind::String:
      if (v.tag == kString) return std::string(static_cast<const char*>(v.pointer), v.count);
      break;
    case Kind::Generator:
      if (v.tag == kGenerator) return *static_cast<at::Generator*>(v.pointer);
      break;
    default:
      break;
  }
  refuse(op, slot, "has a type that this operator does not take");
}

// Lists of the last call's results on this thread: valid until its next call.
thread_local std::vector<std::vector<TensorHandle>> result_lists;

Value to_value(c10::IValue&& result) {
  Value v{kNone, 0, {nullptr}};
  if (result.isTensor()) {
    v.tag = kTensor;
    v.pointer = release(std::move(result).toTensor());
  } else if (result.isTensorList()) {
    std::vector<TensorHandle> handles;
    for (at::Tensor t : result.toTensorList()) handles.push_back(release(std::move(t)));
    v.tag = kTensorList;
    v.count = static_cast<int32_t>(handles.size());
    result_lists.push_back(std::move(handles));
    v.pointer = result_lists.back().data();
  } else if (result.isInt()) {
    v.tag = kInt;
    v.integer = result.toInt();
  } else if (result.isDouble()) {
    v.tag = kDouble;
    v.real = result.toDouble();
  } else if (result.isBool()) {
    v.tag = kBool;
    v.integer = result.toBool();
  }
  return v;
}

// The direct call, if the values given are what the operator's shape says.
bool call_direct(const Operator& op, const Value* arguments, int count, Value* result) {
  const auto given = [&](size_t i) -> const Value* {
    int source = op.slots[i].source;
    return source >= 0 && source < count ? &arguments[source] : nullptr;
  };
  const auto tensor = [&](size_t i) {
    auto v = given(i);
    return v && v->tag == kTensor && v->pointer ? v : nullptr;
  };
  auto first = tensor(0);
  if (!first) return false;
  at::Tensor output;
  if (op.shape == Shape::Unary) {
    output = op.handle.typed<at::Tensor(const at::Tensor&)>().call(Lent(*first));
  } else {
    auto second = tensor(1);
    if (!second) return false;
    if (op.shape == Shape::Binary) {
      output = op.handle.typed<at::Tensor(const at::Tensor&, const at::Tensor&)>().call(Lent(*first), Lent(*second));
    } else {
      auto number = given(2);
      c10::Scalar value;
      if (number && (number->tag == kInt || number->tag == kDouble || number->tag == kBool)) value = scalar(*number);
      else if ((!number || number->tag == kDefault) && op.slots[2].fallback) value = op.slots[2].fallback->toScalar();
      else return false;
      output = op.handle.typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Scalar&)>().call(Lent(*first), Lent(*second), value);
    }
  }
  *result = {kTensor, 0, {release(std::move(output))}};
  return true;
}

void drop(const Value* values, int count) {
  for (int i = 0; i < count; i++) {
    if (values[i].tag == kTensor && values[i].pointer)
      c10::intrusive_ptr<at::TensorImpl, c10::UndefinedTensorImpl>::reclaim(static_cast<TensorHandle>(values[i].pointer));
    if (values[i].tag == kTensorList)
      for (int j = 0; j < values[i].count; j++)
        c10::intrusive_ptr<at::TensorImpl, c10::UndefinedTensorImpl>::reclaim(static_cast<TensorHandle*>(values[i].pointer)[j]);
  }
}

}  // namespace

int remember_error() {
  try {
    throw;
  } catch (const c10::Error& e) {
    last_error = e.what_without_backtrace();
  } catch (const std::bad_alloc&) {
    last_error = "out of memory";
  } catch (const std::exception& e) {
    last_error = e.what();
  } catch (...) {
    last_error = "unknown error in libtorch";
  }
  // Only the first paragraph: what follows are C++ frames.
  auto end = last_error.find("\nException raised from");
  if (end != std::string::npos) last_error.resize(end);
  return 1;
}

MAHA_API const char* maha_last_error() { return last_error.c_str(); }

MAHA_API const char* maha_torch_version() { return TORCH_VERSION; }

// names: the caller's argument names, separated by commas, in the order of its values. Positions come from the
// schema, so that one caller works with schemas of different versions.
MAHA_API int maha_op_resolve(const char* name, const char* overload, const char* names, Operator** result) {
  return guarded([&] {
    auto found = c10::Dispatcher::singleton().findSchema({name, overload});
    if (!found) throw std::invalid_argument(std::string("libtorch ") + TORCH_VERSION + " has no operator " + name + "." + overload);
    std::vector<std::string> given;
    for (const char* p = names; *p;) {
      const char* comma = std::strchr(p, ',');
      size_t n = comma ? comma - p : std::strlen(p);
      given.emplace_back(p, n);
      p += n + (comma ? 1 : 0);
    }
    auto op = std::make_unique<Operator>(Operator{*found, {}, std::string(name) + (*overload ? std::string(".") + overload : "")});
    size_t used = 0;
    for (const auto& argument : found->schema().arguments()) {
      Slot slot;
      slot.name = argument.name();
      auto type = argument.type();
      slot.optional = type->kind() == c10::TypeKind::OptionalType;
      if (slot.optional) type = type->castRaw<c10::OptionalType>()->getElementType();
      slot.kind = kind_of(type);
      slot.fixed_size = argument.N() ? *argument.N() : 0;
      slot.fallback = argument.default_value();
      slot.source = -1;
      for (size_t i = 0; i < given.size(); i++)
        if (given[i] == slot.name) {
          slot.source = static_cast<int>(i);
          used++;
        }
      op->slots.push_back(std::move(slot));
    }
    if (used != given.size()) throw std::invalid_argument(op->name + " does not take all of the arguments (" + names + ")");
    op->shape = shape_of(*op);
    *result = op.release();
  });
}

MAHA_API int maha_op_call(const Operator* op, const Value* arguments, int argument_count, Value* results, int capacity, int* result_count) {
  return guarded([&] {
    if (op->shape != Shape::General && capacity >= 1 && call_direct(*op, arguments, argument_count, results)) {
      *result_count = 1;
      return;
    }
    thread_local torch::jit::Stack reusable;
    // Taken away while in use: a custom backward function calls in again.
    torch::jit::Stack stack = std::move(reusable);
    stack.clear();
    for (const auto& slot : op->slots)
      stack.push_back(slot.source < 0 || slot.source >= argument_count ? default_of(*op, slot) : convert(*op, slot, arguments[slot.source]));
    op->handle.callBoxed(&stack);
    result_lists.clear();
    result_lists.reserve(stack.size());
    int n = static_cast<int>(stack.size());
    if (n > capacity) throw std::length_error(op->name + " returns more values than the caller takes");
    for (int i = 0; i < n; i++) results[i] = to_value(std::move(stack[i]));
    *result_count = n;
    stack.clear();
    reusable = std::move(stack);
  });
}

// ---- tensors

MAHA_API void maha_tensor_free(TensorHandle h) {
  c10::intrusive_ptr<at::TensorImpl, c10::UndefinedTensorImpl>::reclaim(h);
}

// Another reference to the same object.
MAHA_API TensorHandle maha_tensor_share(TensorHandle h) { return release(borrow(h)); }

MAHA_API int maha_tensor_from_bytes(const void* data, int64_t bytes, const int64_t* sizes, int dims, int dtype, TensorHandle* result) {
  return guarded([&] {
    auto t = at::empty(c10::IntArrayRef(sizes, dims), at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype)));
    if (static_cast<int64_t>(t.nbytes()) != bytes) throw std::length_error("the data's length does not fit the shape");
    if (bytes > 0) std::memcpy(t.data_ptr(), data, bytes);
    *result = release(std::move(t));
  });
}

MAHA_API int64_t maha_tensor_dim(TensorHandle h) { return h->dim(); }
MAHA_API int64_t maha_tensor_numel(TensorHandle h) { return h->numel(); }
MAHA_API int maha_tensor_dtype(TensorHandle h) { return static_cast<int>(c10::typeMetaToScalarType(h->dtype())); }
MAHA_API int maha_tensor_device_type(TensorHandle h) { return static_cast<int>(h->device().type()); }
MAHA_API int maha_tensor_device_index(TensorHandle h) { return h->device().index(); }
MAHA_API int maha_tensor_is_contiguous(TensorHandle h) { return h->is_contiguous(); }
MAHA_API int maha_tensor_requires_grad(TensorHandle h) { return h->requires_grad(); }

MAHA_API void maha_tensor_layout(TensorHandle h, int64_t* sizes, int64_t* strides, int64_t* offset) {
  auto s = h->sizes();
  auto d = h->strides();
  for (size_t i = 0; i < s.size(); i++) {
    sizes[i] = s[i];
    strides[i] = d[i];
  }
  *offset = h->storage_offset();
}

MAHA_API int maha_tensor_data(TensorHandle h, void** result) {
  return guarded([&] { *result = borrow(h).data_ptr(); });
}

// ---- modes, seeds, threads, devices

MAHA_API int maha_grad_mode() { return at::GradMode::is_enabled(); }
MAHA_API void maha_set_grad_mode(int enabled) { at::GradMode::set_enabled(enabled != 0); }
MAHA_API void* maha_inference_mode_enter(int enabled) { return new c10::InferenceMode(enabled != 0); }
MAHA_API void maha_inference_mode_leave(void* guard) { delete static_cast<c10::InferenceMode*>(guard); }

MAHA_API int maha_manual_seed(int64_t seed) {
  return guarded([&] { at::manual_seed(static_cast<uint64_t>(seed)); });
}

MAHA_API int maha_generator_new(int device_type, int device_index, int64_t seed, int use_default, at::Generator** result) {
  return guarded([&] {
    c10::Device device(static_cast<c10::DeviceType>(device_type), static_cast<c10::DeviceIndex>(device_index));
    at::Generator generator;
    if (use_default)
      generator = at::globalContext().defaultGenerator(device);
    else if (device.is_cpu())
      generator = at::detail::createCPUGenerator(static_cast<uint64_t>(seed));
    else
      throw std::invalid_argument("generators of their own are for the CPU; on other devices use the default one");
    *result = new at::Generator(generator);
  });
}
MAHA_API void maha_generator_free(at::Generator* g) { delete g; }
MAHA_API int maha_generator_seed(at::Generator* g, int64_t seed) {
  return guarded([&] {
    std::lock_guard<std::mutex> lock(g->mutex());
    g->set_current_seed(static_cast<uint64_t>(seed));
  });
}
MAHA_API int64_t maha_generator_initial_seed(at::Generator* g) { return static_cast<int64_t>(g->current_seed()); }
MAHA_API int maha_generator_get_state(at::Generator* g, TensorHandle* result) {
  return guarded([&] { *result = release(g->get_state()); });
}
MAHA_API int maha_generator_set_state(at::Generator* g, TensorHandle state) {
  return guarded([&] { g->set_state(borrow(state)); });
}

MAHA_API int maha_get_num_threads() { return at::get_num_threads(); }
MAHA_API int maha_set_num_threads(int n) {
  return guarded([&] { at::set_num_threads(n); });
}

MAHA_API int maha_cuda_device_count() { return static_cast<int>(torch::cuda::device_count()); }
MAHA_API int maha_cuda_synchronize(int index) {
  return guarded([&] { torch::cuda::synchronize(index); });
}
