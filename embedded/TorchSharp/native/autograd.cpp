#include "mahatorch.h"

#include <string>
#include <vector>

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/edge.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>
#include <torch/csrc/autograd/variable.h>

using torch::autograd::Node;
using torch::autograd::SavedVariable;
using torch::autograd::variable_list;

namespace {

variable_list borrow_all(const TensorHandle* handles, int count) {
  variable_list list;
  list.reserve(count);
  for (int i = 0; i < count; i++) list.push_back(borrow(handles[i]));
  return list;
}

// Managed code of a custom function. backward owns the gradients it gets and gives ownership of those it returns;
// it returns null, or a message when it failed.
using Backward = const char* (*)(void* context, TensorHandle* gradients, int count, TensorHandle* results, int result_count);
using Forget = void (*)(void* context);

struct ManagedFunction : Node {
  void* context = nullptr;
  Backward backward = nullptr;
  Forget forget = nullptr;
  std::string title;
  bool materialize = true;
  int inputs = 0;
  std::vector<bool> input_needs_grad;
  std::vector<SavedVariable> saved;

  ~ManagedFunction() override { forget(context); }

  std::string name() const override { return title; }

  variable_list apply(variable_list&& gradients) override {
    std::vector<TensorHandle> in, out(inputs, nullptr);
    for (size_t i = 0; i < gradients.size(); i++) {
      if (!gradients[i].defined() && materialize) gradients[i] = input_metadata(i).zeros_like();
      in.push_back(release(std::move(gradients[i])));
    }
    const char* error = backward(context, in.data(), static_cast<int>(in.size()), out.data(), inputs);
    if (error) throw std::runtime_error(error);
    variable_list results;
    for (int i = 0; i < inputs; i++) {
      at::Tensor t;
      if (out[i]) t = at::Tensor(c10::intrusive_ptr<at::TensorImpl, c10::UndefinedTensorImpl>::reclaim(out[i]));
      results.push_back(input_needs_grad[i] ? t : at::Tensor());
    }
    return results;
  }

  void release_variables() override {
    for (auto& s : saved) s.reset_data();
  }
};

}  // namespace

MAHA_API int maha_tensor_set_requires_grad(TensorHandle h, int value) {
  return guarded([&] { borrow(h).set_requires_grad(value != 0); });
}
MAHA_API int maha_tensor_is_leaf(TensorHandle h) { return borrow(h).is_leaf(); }
MAHA_API int maha_tensor_retain_grad(TensorHandle h) {
  return guarded([&] { borrow(h).retain_grad(); });
}
MAHA_API int maha_tensor_grad(TensorHandle h, TensorHandle* result) {
  return guarded([&] { *result = release(borrow(h).grad()); });
}
MAHA_API int maha_tensor_set_grad(TensorHandle h, TensorHandle grad) {
  return guarded([&] { borrow(h).mutable_grad() = borrow(grad); });
}

MAHA_API int maha_backward(const TensorHandle* tensors, int count, const TensorHandle* gradients, int gradient_count, int retain_graph,
                           int create_graph, const TensorHandle* inputs, int input_count) {
  return guarded([&] {
    torch::autograd::backward(borrow_all(tensors, count), borrow_all(gradients, gradient_count), retain_graph != 0, create_graph != 0,
                              borrow_all(inputs, input_count));
  });
}

MAHA_API int maha_grad(const TensorHandle* outputs, int count, const TensorHandle* inputs, int input_count, const TensorHandle* gradients,
                       int gradient_count, int retain_graph, int create_graph, int allow_unused, TensorHandle* results) {
  return guarded([&] {
    auto list = torch::autograd::grad(borrow_all(outputs, count), borrow_all(inputs, input_count), borrow_all(gradients, gradient_count),
                                      retain_graph != 0, create_graph != 0, allow_unused != 0);
    for (int i = 0; i < input_count; i++) results[i] = release(std::move(list[i]));
  });
}

// Makes `outputs` (computed by managed code without a graph) results of a graph node whose backward is managed.
// needs_graph = 0 in the result: no input needs a gradient, the context was forgotten and the outputs stay as they are.
MAHA_API int maha_function_attach(const TensorHandle* inputs, int input_count, TensorHandle* outputs, int output_count,
                                  const uint8_t* differentiable, const TensorHandle* saved, int saved_count, int materialize,
                                  const char* title, void* context, Backward backward, Forget forget, Node** node) {
  return guarded([&] {
    auto in = borrow_all(inputs, input_count);
    auto function = std::shared_ptr<ManagedFunction>(new ManagedFunction(), torch::autograd::deleteNode);
    function->context = context;
    function->backward = backward;
    function->forget = forget;
    function->title = title;
    function->materialize = materialize != 0;
    function->inputs = input_count;
    for (auto& t : in) function->input_needs_grad.push_back(t.defined() && t.requires_grad());
    function->set_next_edges(torch::autograd::collect_next_edges(in));
    for (int i = 0; i < output_count; i++) {
      auto output = borrow(outputs[i]);
      if (differentiable[i])
        torch::autograd::set_history(output, function);
      else
        function->add_input_metadata(Node::undefined_input());  // keeps the outputs' numbers
    }
    // An output that is saved must not own the node that saves it.
    for (int i = 0; i < saved_count; i++) {
      auto t = borrow(saved[i]);
      function->saved.emplace_back(t, t.defined() && t.grad_fn() == function);
    }
    *node = function.get();
  });
}

MAHA_API int maha_function_saved(Node* node, int index, TensorHandle* result) {
  return guarded([&] {
    auto function = static_cast<ManagedFunction*>(node);
    *result = release(function->saved.at(index).unpack(function->shared_from_this()));
  });
}
