namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        // ---- elementwise
        private static readonly Op s_abs = "abs(self)";
        public Tensor abs() => s_abs.T(this);
        private static readonly Op s_neg = "neg(self)";
        public Tensor neg() => s_neg.T(this);
        private static readonly Op s_exp = "exp(self)";
        public Tensor exp() => s_exp.T(this);
        private static readonly Op s_log = "log(self)";
        public Tensor log() => s_log.T(this);
        private static readonly Op s_log1p = "log1p(self)";
        public Tensor log1p() => s_log1p.T(this);
        private static readonly Op s_expm1 = "expm1(self)";
        public Tensor expm1() => s_expm1.T(this);
        private static readonly Op s_log2 = "log2(self)";
        public Tensor log2() => s_log2.T(this);
        private static readonly Op s_sqrt = "sqrt(self)";
        public Tensor sqrt() => s_sqrt.T(this);
        private static readonly Op s_rsqrt = "rsqrt(self)";
        public Tensor rsqrt() => s_rsqrt.T(this);
        private static readonly Op s_square = "square(self)";
        public Tensor square() => s_square.T(this);
        private static readonly Op s_reciprocal = "reciprocal(self)";
        public Tensor reciprocal() => s_reciprocal.T(this);
        private static readonly Op s_sin = "sin(self)";
        public Tensor sin() => s_sin.T(this);
        private static readonly Op s_cos = "cos(self)";
        public Tensor cos() => s_cos.T(this);
        private static readonly Op s_tanh = "tanh(self)";
        public Tensor tanh() => s_tanh.T(this);
        private static readonly Op s_sigmoid = "sigmoid(self)";
        public Tensor sigmoid() => s_sigmoid.T(this);
        private static readonly Op s_relu = "relu(self)";
        public Tensor relu() => s_relu.T(this);
        private static readonly Op s_silu = "silu(self)";
        public Tensor silu() => s_silu.T(this);
        private static readonly Op s_erf = "erf(self)";
        public Tensor erf() => s_erf.T(this);
        private static readonly Op s_floor = "floor(self)";
        public Tensor floor() => s_floor.T(this);
        private static readonly Op s_ceil = "ceil(self)";
        public Tensor ceil() => s_ceil.T(this);
        private static readonly Op s_trunc = "trunc(self)";
        public Tensor trunc() => s_trunc.T(this);
        private static readonly Op s_sign = "sign(self)";
        public Tensor sign() => s_sign.T(this);
        private static readonly Op s_isnan = "isnan(self)";
        public Tensor isnan() => s_isnan.T(this);
        private static readonly Op s_isfinite = "isfinite(self)";
        public Tensor isfinite() => s_isfinite.T(this);
        private static readonly Op s_isinf = "isinf(self)";
        public Tensor isinf() => s_isinf.T(this);
        private static readonly Op s_logical_not = "logical_not(self)";
        public Tensor logical_not() => s_logical_not.T(this);
        private static readonly Op s_bitwise_not = "bitwise_not(self)";
        public Tensor bitwise_not() => s_bitwise_not.T(this);
        private static readonly Op s_log_sigmoid = "log_sigmoid(self)";
        public Tensor log_sigmoid() => s_log_sigmoid.T(this);
        private static readonly Op s_abs_ = "abs_(self)";
        public Tensor abs_() { s_abs_.Run(this); return this; }
        private static readonly Op s_neg_ = "neg_(self)";
        public Tensor neg_() { s_neg_.Run(this); return this; }
        private static readonly Op s_exp_ = "exp_(self)";
        public Tensor exp_() { s_exp_.Run(this); return this; }
        private static readonly Op s_log_ = "log_(self)";
        public Tensor log_() { s_log_.Run(this); return this; }
        private static readonly Op s_sqrt_ = "sqrt_(self)";
        public Tensor sqrt_() { s_sqrt_.Run(this); return this; }
        private static readonly Op s_rsqrt_ = "rsqrt_(self)";
        public Tensor rsqrt_() { s_rsqrt_.Run(this); return this; }
        private static readonly Op s_reciprocal_ = "reciprocal_(self)";
        public Tensor reciprocal_() { s_reciprocal_.Run(this); return this; }
        private static readonly Op s_tanh_ = "tanh_(self)";
        public Tensor tanh_() { s_tanh_.Run(this); return this; }
        private static readonly Op s_sigmoid_ = "sigmoid_(self)";
        public Tensor sigmoid_() { s_sigmoid_.Run(this); return this; }
        private static readonly Op s_relu_ = "relu_(self)";
        public Tensor relu_() { s_relu_.Run(this); return this; }
        private static readonly Op s_floor_ = "floor_(self)";
        public Tensor floor_() { s_floor_.Run(this); return this; }
        private static readonly Op s_gelu = "gelu(self)";
        public Tensor gelu() => s_gelu.T(this);
        private static readonly Op s_round = "round.decimals(self,decimals)";
        public Tensor round(long decimals = 0) => s_round.T(this, decimals);
        private static readonly Op s_softplus = "softplus(self)";
        public Tensor softplus() => s_softplus.T(this);
        private static readonly Op s_addTensor = "add.Tensor(self,other,alpha)";
        private static readonly Op s_addScalar = "add.Scalar(self,other,alpha)";
        private static readonly Op s_addTensor_ = "add_.Tensor(self,other,alpha)";
        private static readonly Op s_addScalar_ = "add_.Scalar(self,other,alpha)";
        public Tensor add(Tensor target) => s_addTensor.T(this, target);
        public Tensor add(Tensor target, Scalar alpha) => s_addTensor.T(this, target, alpha);
        public Tensor add(Scalar scalar) => s_addScalar.T(this, scalar);
        public Tensor add(Scalar scalar, Scalar alpha) => s_addScalar.T(this, scalar, alpha);
        public Tensor add_(Tensor target) { s_addTensor_.Run(this, target); return this; }
        public Tensor add_(Tensor target, Scalar alpha) { s_addTensor_.Run(this, target, alpha); return this; }
        public Tensor add_(Scalar scalar) { s_addScalar_.Run(this, scalar); return this; }
        private static readonly Op s_subTensor = "sub.Tensor(self,other)";
        private static readonly Op s_subScalar = "sub.Scalar(self,other)";
        private static readonly Op s_subTensor_ = "sub_.Tensor(self,other)";
        private static readonly Op s_subScalar_ = "sub_.Scalar(self,other)";
        public Tensor sub(Tensor target) => s_subTensor.T(this, target);
        public Tensor sub(Scalar target) => s_subScalar.T(this, target);
        public Tensor sub_(Tensor target) { s_subTensor_.Run(this, target); return this; }
        public Tensor sub_(Scalar target) { s_subScalar_.Run(this, target); return this; }
        private static readonly Op s_mulTensor = "mul.Tensor(self,other)";
        private static readonly Op s_mulScalar = "mul.Scalar(self,other)";
        private static readonly Op s_mulTensor_ = "mul_.Tensor(self,other)";
        private static readonly Op s_mulScalar_ = "mul_.Scalar(self,other)";
        public Tensor mul(Tensor target) => s_mulTensor.T(this, target);
        public Tensor mul(Scalar target) => s_mulScalar.T(this, target);
        public Tensor mul_(Tensor target) { s_mulTensor_.Run(this, target); return this; }
        public Tensor mul_(Scalar target) { s_mulScalar_.Run(this, target); return this; }
        private static readonly Op s_divTensor = "div.Tensor_mode(self,other,rounding_mode)";
        private static readonly Op s_divTensor_ = "div_.Tensor_mode(self,other,rounding_mode)";
        public Tensor div(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => s_divTensor.T(this, target, Rounding(rounding_mode));
        public Tensor div_(Tensor target, RoundingMode rounding_mode = RoundingMode.None) { s_divTensor_.Run(this, target, Rounding(rounding_mode)); return this; }
        private static readonly Op s_divScalar = "div.Scalar_mode(self,other,rounding_mode)";
        private static readonly Op s_divScalar_ = "div_.Scalar_mode(self,other,rounding_mode)";
        public Tensor div(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => s_divScalar.T(this, target, Rounding(rounding_mode));
        public Tensor div_(Scalar target, RoundingMode rounding_mode = RoundingMode.None) { s_divScalar_.Run(this, target, Rounding(rounding_mode)); return this; }
        private static string Rounding(RoundingMode mode) => mode == RoundingMode.None ? null : mode.ToString();
        private static readonly Op s_powTensor = "pow.Tensor_Tensor(self,exponent)";
        public Tensor pow(Tensor exponent) => s_powTensor.T(this, exponent);
        private static readonly Op s_powScalar = "pow.Tensor_Scalar(self,exponent)";
        public Tensor pow(Scalar exponent) => s_powScalar.T(this, exponent);
        private static readonly Op s_eqTensor = "eq.Tensor(self,other)";
        public Tensor eq(Tensor target) => s_eqTensor.T(this, target);
        private static readonly Op s_eqScalar = "eq.Scalar(self,other)";
        public Tensor eq(Scalar target) => s_eqScalar.T(this, target);
        private static readonly Op s_neTensor = "ne.Tensor(self,other)";
        public Tensor ne(Tensor target) => s_neTensor.T(this, target);
        private static readonly Op s_neScalar = "ne.Scalar(self,other)";
        public Tensor ne(Scalar target) => s_neScalar.T(this, target);
        private static readonly Op s_ltTensor = "lt.Tensor(self,other)";
        public Tensor lt(Tensor target) => s_ltTensor.T(this, target);
        private static readonly Op s_ltScalar = "lt.Scalar(self,other)";
        public Tensor lt(Scalar target) => s_ltScalar.T(this, target);
        private static readonly Op s_leTensor = "le.Tensor(self,other)";
        public Tensor le(Tensor target) => s_leTensor.T(this, target);
        private static readonly Op s_leScalar = "le.Scalar(self,other)";
        public Tensor le(Scalar target) => s_leScalar.T(this, target);
        private static readonly Op s_gtTensor = "gt.Tensor(self,other)";
        public Tensor gt(Tensor target) => s_gtTensor.T(this, target);
        private static readonly Op s_gtScalar = "gt.Scalar(self,other)";
        public Tensor gt(Scalar target) => s_gtScalar.T(this, target);
        private static readonly Op s_geTensor = "ge.Tensor(self,other)";
        public Tensor ge(Tensor target) => s_geTensor.T(this, target);
        private static readonly Op s_geScalar = "ge.Scalar(self,other)";
        public Tensor ge(Scalar target) => s_geScalar.T(this, target);
        private static readonly Op s_remainderTensor = "remainder.Tensor(self,other)";
        public Tensor remainder(Tensor target) => s_remainderTensor.T(this, target);
        private static readonly Op s_remainderScalar = "remainder.Scalar(self,other)";
        public Tensor remainder(Scalar scalar) => s_remainderScalar.T(this, scalar);
        private static readonly Op s_floor_divideTensor = "floor_divide(self,other)";
        public Tensor floor_divide(Tensor other) => s_floor_divideTensor.T(this, other);
        private static readonly Op s_floor_divideScalar = "floor_divide.Scalar(self,other)";
        public Tensor floor_divide(Scalar other) => s_floor_divideScalar.T(this, other);
        private static readonly Op s_maximum = "maximum(self,other)";
        public Tensor maximum(Tensor other) => s_maximum.T(this, other);
        private static readonly Op s_minimum = "minimum(self,other)";
        public Tensor minimum(Tensor other) => s_minimum.T(this, other);
        private static readonly Op s_logical_and = "logical_and(self,other)";
        public Tensor logical_and(Tensor other) => s_logical_and.T(this, other);
        private static readonly Op s_logical_or = "logical_or(self,other)";
        public Tensor logical_or(Tensor other) => s_logical_or.T(this, other);
        private static readonly Op s_logical_xor = "logical_xor(self,other)";
        public Tensor logical_xor(Tensor other) => s_logical_xor.T(this, other);
        private static readonly Op s_bitwise_and = "bitwise_and.Tensor(self,other)";
        public Tensor bitwise_and(Tensor other) => s_bitwise_and.T(this, other);
        private static readonly Op s_bitwise_or = "bitwise_or.Tensor(self,other)";
        public Tensor bitwise_or(Tensor other) => s_bitwise_or.T(this, other);
        private static readonly Op s_bitwise_xor = "bitwise_xor.Tensor(self,other)";
        public Tensor bitwise_xor(Tensor other) => s_bitwise_xor.T(this, other);
        private static readonly Op s_clamp = "clamp(self,min,max)";
        private static readonly Op s_clampT = "clamp.Tensor(self,min,max)";
        private static readonly Op s_clamp_ = "clamp_(self,min,max)";
        public Tensor clamp(Scalar min = null, Scalar max = null) => s_clamp.T(this, min, max);
        public Tensor clamp(Tensor min = null, Tensor max = null) => s_clampT.T(this, min, max);
        public Tensor clamp_(Scalar min = null, Scalar max = null) { s_clamp_.Run(this, min, max); return this; }
        public Tensor clamp_min(Scalar min) => s_clamp.T(this, min);
        public Tensor clamp_max(Scalar max) => s_clamp.T(this, null as Scalar, max);
        private static readonly Op s_addcmul = "addcmul(self,tensor1,tensor2,value)";
        private static readonly Op s_addcmul_ = "addcmul_(self,tensor1,tensor2,value)";
        public Tensor addcmul(Tensor tensor1, Tensor tensor2, Scalar value) => s_addcmul.T(this, tensor1, tensor2, value);
        public Tensor addcmul_(Tensor tensor1, Tensor tensor2, Scalar value) { s_addcmul_.Run(this, tensor1, tensor2, value); return this; }
        private static readonly Op s_addcdiv = "addcdiv(self,tensor1,tensor2,value)";
        private static readonly Op s_addcdiv_ = "addcdiv_(self,tensor1,tensor2,value)";
        public Tensor addcdiv(Tensor tensor1, Tensor tensor2, Scalar value) => s_addcdiv.T(this, tensor1, tensor2, value);
        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2, Scalar value) { s_addcdiv_.Run(this, tensor1, tensor2, value); return this; }
        private static readonly Op s_lerp = "lerp.Tensor(self,end,weight)";
        public Tensor lerp(Tensor end, Tensor weight) => s_lerp.T(this, end, weight);
        private static readonly Op s_nanToNum = "nan_to_num(self,nan,posinf,neginf)";
        public Tensor nan_to_num(double nan = 0d, double? posinf = null, double? neginf = null) => s_nanToNum.T(this, nan, posinf, neginf);
        private static readonly Op s_isclose = "isclose(self,other,rtol,atol,equal_nan)";
        public Tensor isclose(Tensor other, double rtol = 1E-05d, double atol = 1E-08d, bool nanEqual = false) => s_isclose.T(this, other, rtol, atol, nanEqual);
        private static readonly Op s_allclose = "allclose(self,other,rtol,atol,equal_nan)";
        public bool allclose(Tensor target, double rtol = 1E-05d, double atol = 1E-08d, bool equal_nan = false) => s_allclose.Number(this, target, rtol, atol, equal_nan).ToBoolean();
        private static readonly Op s_maskedFill = "masked_fill.Scalar(self,mask,value)";
        private static readonly Op s_maskedFill_ = "masked_fill_.Scalar(self,mask,value)";
        public Tensor masked_fill(Tensor mask, Scalar value) => s_maskedFill.T(this, mask, value);
        public Tensor masked_fill_(Tensor mask, Scalar value) { s_maskedFill_.Run(this, mask, value); return this; }
        private static readonly Op s_maskedSelect = "masked_select(self,mask)";
        public Tensor masked_select(Tensor mask) => s_maskedSelect.T(this, mask);
        private static readonly Op s_where = "where.self(condition,self,other)";
        public Tensor where(Tensor condition, Tensor y) => s_where.T(condition, this, y);

        // ---- reductions
        private static readonly Op s_sumAll = "sum(self,dtype)";
        private static readonly Op s_sum = "sum.dim_IntList(self,dim,keepdim,dtype)";
        private static readonly Op s_meanAll = "mean(self,dtype)";
        private static readonly Op s_mean = "mean.dim(self,dim,keepdim,dtype)";
        public Tensor sum(ScalarType? type = null) => s_sumAll.T(this, type);
        public Tensor sum(long dim, bool keepdim = false, ScalarType? type = null) => s_sum.T(this, dim, keepdim, type);
        public Tensor sum(long[] dim, bool keepdim = false, ScalarType? type = null) => s_sum.T(this, dim, keepdim, type);
        public Tensor sum(ReadOnlySpan<long> dim, bool keepdim = false, ScalarType? type = null) => s_sum.T(this, dim.ToArray(), keepdim, type);
        public Tensor mean() => s_meanAll.T(this);
        public Tensor mean(long[] dimensions, bool keepdim = false, ScalarType? type = null) => s_mean.T(this, dimensions, keepdim, type);
        private static readonly Op s_maxAll = "max(self)";
        private static readonly Op s_maxDim = "max.dim(self,dim,keepdim)";
        private static readonly Op s_maxOther = "max.other(self,other)";
        public Tensor max() => s_maxAll.T(this);
        public Tensor max(Tensor other) => s_maxOther.T(this, other);
        public (Tensor values, Tensor indexes) max(long dim, bool keepdim = false) => s_maxDim.T2(this, dim, keepdim);
        private static readonly Op s_amax = "amax(self,dim,keepdim)";
        public Tensor amax(params long[] dims) => s_amax.T(this, dims);
        private static readonly Op s_argmax = "argmax(self,dim,keepdim)";
        public Tensor argmax() => s_argmax.T(this);
        public Tensor argmax(long dim, bool keepdim = false) => s_argmax.T(this, dim, keepdim);
        private static readonly Op s_minAll = "min(self)";
        private static readonly Op s_minDim = "min.dim(self,dim,keepdim)";
        private static readonly Op s_minOther = "min.other(self,other)";
        public Tensor min() => s_minAll.T(this);
        public Tensor min(Tensor other) => s_minOther.T(this, other);
        public (Tensor values, Tensor indexes) min(long dim, bool keepdim = false) => s_minDim.T2(this, dim, keepdim);
        private static readonly Op s_amin = "amin(self,dim,keepdim)";
        public Tensor amin(params long[] dims) => s_amin.T(this, dims);
        private static readonly Op s_argmin = "argmin(self,dim,keepdim)";
        public Tensor argmin() => s_argmin.T(this);
        public Tensor argmin(long dim, bool keepdim = false) => s_argmin.T(this, dim, keepdim);
        private static readonly Op s_anyAll = "any(self)";
        private static readonly Op s_anyDim = "any.dim(self,dim,keepdim)";
        public Tensor any() => s_anyAll.T(this);
        public Tensor any(long dim, bool keepdim = false) => s_anyDim.T(this, dim, keepdim);
        private static readonly Op s_allAll = "all(self)";
        private static readonly Op s_allDim = "all.dim(self,dim,keepdim)";
        public Tensor all() => s_allAll.T(this);
        public Tensor all(long dim, bool keepdim = false) => s_allDim.T(this, dim, keepdim);
        private static readonly Op s_varAll = "var(self,unbiased)";
        private static readonly Op s_var = "var.dim(self,dim,unbiased,keepdim)";
        public Tensor var(bool unbiased = true) => s_varAll.T(this, unbiased);
        private static readonly Op s_stdAll = "std(self,unbiased)";
        private static readonly Op s_std = "std.dim(self,dim,unbiased,keepdim)";
        public Tensor std(bool unbiased = true) => s_stdAll.T(this, unbiased);
        private static readonly Op s_norm = "norm.Scalar(self,p)";
        public Tensor norm(float p = 2f) => s_norm.T(this, (double)p);
        private static readonly Op s_normDim = "norm.ScalarOpt_dim(self,p,dim,keepdim)";
        public Tensor norm(int dim, bool keepdim = false, float p = 2f) => s_normDim.T(this, (double)p, (long)dim, keepdim);
        private static readonly Op s_prodAll = "prod(self,dtype)";
        public Tensor prod(ScalarType? type = null) => s_prodAll.T(this, type);
        private static readonly Op s_prod = "prod.dim_int(self,dim,keepdim,dtype)";
        public Tensor prod(long dim, bool keepdim = false, ScalarType? type = null) => s_prod.T(this, dim, keepdim, type);
        private static readonly Op s_cumsum = "cumsum(self,dim,dtype)";
        public Tensor cumsum(long dim, ScalarType? type = null) => s_cumsum.T(this, dim, type);
        private static readonly Op s_logcumsumexp = "logcumsumexp(self,dim)";
        public Tensor logcumsumexp(long dim) => s_logcumsumexp.T(this, dim);
        private static readonly Op s_logsumexp = "logsumexp(self,dim,keepdim)";
        public Tensor logsumexp(long dim, bool keepdim = false) => s_logsumexp.T(this, dim, keepdim);
        private static readonly Op s_softmax = "softmax.int(self,dim,dtype)";
        public Tensor softmax(long dim, ScalarType? dtype = null) => s_softmax.T(this, dim, dtype);
        private static readonly Op s_logSoftmax = "log_softmax.int(self,dim,dtype)";
        public Tensor log_softmax(long dim, ScalarType? dtype = null) => s_logSoftmax.T(this, dim, dtype);
        private static readonly Op s_topk = "topk(self,k,dim,largest,sorted)";
        public (Tensor values, Tensor indexes) topk(int k, int dim = -1, bool largest = true, bool sorted = true) => s_topk.T2(this, k, dim, largest, sorted);
        private static readonly Op s_sort = "sort.stable(self,stable,dim,descending)";
        public (Tensor Values, Tensor Indices) sort(long dim = -1, bool descending = false, bool stable = false) => s_sort.T2(this, stable, dim, descending);
        private static readonly Op s_argsort = "argsort(self,dim,descending)";
        public Tensor argsort(long dim = -1, bool descending = false) => s_argsort.T(this, dim, descending);
        private static readonly Op s_nonzero = "nonzero(self)";
        public Tensor nonzero() => s_nonzero.T(this);
        private static readonly Op s_bincount = "bincount(self,weights,minlength)";
        public Tensor bincount(Tensor weights, long minlength = 0) => s_bincount.T(this, weights, minlength);

        // ---- products
        private static readonly Op s_matmul = "matmul(self,other)";
        public Tensor matmul(Tensor target) => s_matmul.T(this, target);
        private static readonly Op s_mm = "mm(self,mat2)";
        public Tensor mm(Tensor target) => s_mm.T(this, target);
        private static readonly Op s_bmm = "bmm(self,mat2)";
        public Tensor bmm(Tensor batch2) => s_bmm.T(this, batch2);
        private static readonly Op s_mv = "mv(self,vec)";
        public Tensor mv(Tensor target) => s_mv.T(this, target);
        private static readonly Op s_dot = "dot(self,tensor)";
        public Tensor dot(Tensor target) => s_dot.T(this, target);
        private static readonly Op s_outer = "outer(self,vec2)";
        public Tensor outer(Tensor vec2) => s_outer.T(this, vec2);
        private static readonly Op s_addmm = "addmm(self,mat1,mat2,beta,alpha)";
        public Tensor addmm(Tensor mat1, Tensor mat2, float beta = 1f, float alpha = 1f) => s_addmm.T(this, mat1, mat2, (double)beta, (double)alpha);
        private static readonly Op s_baddbmm = "baddbmm(self,batch1,batch2,beta,alpha)";
        public Tensor baddbmm(Tensor batch1, Tensor batch2, float beta = 1f, float alpha = 1f) => s_baddbmm.T(this, batch1, batch2, (double)beta, (double)alpha);

        // ---- shapes and views
        private static readonly Op s_alias = "alias(self)";
        public Tensor alias() => new(Native.maha_tensor_share(Handle));
        internal Tensor ViewOfSelf() => s_alias.T(this);
        private static readonly Op s_view = "view(self,size)";
        public Tensor view(params long[] shape) => s_view.T(this, shape);
        private static readonly Op s_reshape = "reshape(self,shape)";
        public Tensor reshape(params long[] shape) => s_reshape.T(this, shape);
        private static readonly Op s_viewAs = "view_as(self,other)";
        public Tensor view_as(Tensor other) => s_viewAs.T(this, other);
        private static readonly Op s_transpose = "transpose.int(self,dim0,dim1)";
        public Tensor transpose(long dim0, long dim1) => s_transpose.T(this, dim0, dim1);
        private static readonly Op s_permute = "permute(self,dims)";
        public Tensor permute(params long[] permutation) => s_permute.T(this, permutation);
        private static readonly Op s_t = "t(self)";
        public Tensor t() => s_t.T(this);
        private static readonly Op s_unsqueeze = "unsqueeze(self,dim)";
        public Tensor unsqueeze(long dim) => s_unsqueeze.T(this, dim);
        private static readonly Op s_expandAs = "expand_as(self,other)";
        public Tensor expand_as(Tensor other) => s_expandAs.T(this, other);
        private static readonly Op s_broadcastTo = "broadcast_to(self,size)";
        public Tensor broadcast_to(params long[] shape) => s_broadcastTo.T(this, shape);
        private static readonly Op s_repeat = "repeat(self,repeats)";
        public Tensor repeat(params long[] sizes) => s_repeat.T(this, sizes);
        private static readonly Op s_flatten = "flatten.using_ints(self,start_dim,end_dim)";
        public Tensor flatten(long start_dim = 0, long end_dim = -1) => s_flatten.T(this, start_dim, end_dim);
        private static readonly Op s_flip = "flip(self,dims)";
        public Tensor flip(params long[] dims) => s_flip.T(this, dims);
        private static readonly Op s_narrow = "narrow(self,dim,start,length)";
        public Tensor narrow(long dim, long start, long length) => s_narrow.T(this, dim, start, length);
        private static readonly Op s_select = "select.int(self,dim,index)";
        public Tensor select(long dim, long index) => s_select.T(this, dim, index);
        private static readonly Op s_slice = "slice.Tensor(self,dim,start,end,step)";
        public Tensor slice(long dim, long start, long finish, long step) => s_slice.T(this, dim, start, finish, step);
        private static readonly Op s_unfold = "unfold(self,dimension,size,step)";
        public Tensor unfold(long dimension, long size, long step) => s_unfold.T(this, dimension, size, step);
        private static readonly Op s_asStrided = "as_strided(self,size,stride,storage_offset)";
        public Tensor as_strided(long[] size, long[] strides, long storageOffset = 0) => s_asStrided.T(this, size, strides, storageOffset);
        private static readonly Op s_diagonal = "diagonal(self,offset,dim1,dim2)";
        public Tensor diagonal(long offset = 0, long dim1 = 0, long dim2 = 0) => s_diagonal.T(this, offset, dim1, dim2);
        private static readonly Op s_diagEmbed = "diag_embed(self,offset,dim1,dim2)";
        public Tensor diag_embed(long offset = 0, long dim1 = -2, long dim2 = -1) => s_diagEmbed.T(this, offset, dim1, dim2);
        private static readonly Op s_contiguous = "contiguous(self)";
        public Tensor contiguous() => s_contiguous.T(this);
        private static readonly Op s_clone = "clone(self)";
        public Tensor clone() => s_clone.T(this);
        private static readonly Op s_detach = "detach(self)";
        public Tensor detach() => s_detach.T(this);
        private static readonly Op s_tril = "tril(self,diagonal)";
        public Tensor tril(long diagonal = 0) => s_tril.T(this, diagonal);
        private static readonly Op s_triu = "triu(self,diagonal)";
        public Tensor triu(long diagonal = 0) => s_triu.T(this, diagonal);
        private static readonly Op s_gather = "gather(self,dim,index)";
        public Tensor gather(long dim, Tensor index) => s_gather.T(this, dim, index);
        private static readonly Op s_indexSelect = "index_select(self,dim,index)";
        public Tensor index_select(long dim, Tensor index) => s_indexSelect.T(this, dim, index);
        private static readonly Op s_scatter = "scatter.src(self,dim,index,src)";
        public Tensor scatter(long dim, Tensor index, Tensor src) => s_scatter.T(this, dim, index, src);
        private static readonly Op s_scatterAdd = "scatter_add(self,dim,index,src)";
        public Tensor scatter_add(long dim, Tensor index, Tensor src) => s_scatterAdd.T(this, dim, index, src);
        private static readonly Op s_indexAdd = "index_add(self,dim,index,source,alpha)";
        public Tensor index_add(long dim, Tensor index, Tensor source, Scalar alpha) => s_indexAdd.T(this, dim, index, source, alpha);
        private static readonly Op s_indexFill = "index_fill.int_Scalar(self,dim,index,value)";
        public Tensor index_fill(long dim, Tensor index, Scalar value) => s_indexFill.T(this, dim, index, value);
        private static readonly Op s_roll = "roll(self,shifts,dims)";
        public Tensor roll(long[] shifts, long[] dims) => s_roll.T(this, shifts, dims);
        private static readonly Op s_repeatInterleave = "repeat_interleave.self_int(self,repeats,dim,output_size)";
        public Tensor repeat_interleave(long repeats, long? dim = null, long? output_size = null) => s_repeatInterleave.T(this, repeats, dim, output_size);
        private static readonly Op s_repeatInterleaveT = "repeat_interleave.self_Tensor(self,repeats,dim,output_size)";
        public Tensor repeat_interleave(Tensor repeats, long? dim = null, long? output_size = null) => s_repeatInterleaveT.T(this, repeats, dim, output_size);
        private static readonly Op s_unflatten = "unflatten.int(self,dim,sizes)";
        public Tensor unflatten(long dim, params long[] sizes) => s_unflatten.T(this, dim, sizes);
        private static readonly Op s_multinomial = "multinomial(self,num_samples,replacement,generator)";
        public Tensor multinomial(long num_samples, bool replacement = false, Generator generator = null) => s_multinomial.T(this, num_samples, replacement, generator);
        private static readonly Op s_expand = "expand(self,size,implicit)";
        public Tensor expand(params long[] sizes) => s_expand.T(this, sizes);
        public Tensor expand(long[] sizes, bool isImplicit = false) => s_expand.T(this, sizes, isImplicit);
        private static readonly Op s_squeezeAll = "squeeze(self)";
        private static readonly Op s_squeeze = "squeeze.dim(self,dim)";
        public Tensor squeeze(long? dim = null) => dim is long d ? s_squeeze.T(this, d) : s_squeezeAll.T(this);
        public Tensor mT => transpose(-2, -1);
        public Tensor T => s_t.T(this);
        private static readonly Op s_split = "split.Tensor(self,split_size,dim)";
        public Tensor[] split(long size, int dim = 0) => s_split.List(this, size, dim);
        private static readonly Op s_splitSizes = "split_with_sizes(self,split_sizes,dim)";
        public Tensor[] split(long[] sizes, long dim = 0) => s_splitSizes.List(this, sizes, dim);
        private static readonly Op s_chunk = "chunk(self,chunks,dim)";
        public Tensor[] chunk(long chunks, long dim = 0) => s_chunk.List(this, chunks, dim);
        private static readonly Op s_unbind = "unbind.int(self,dim)";
        public Tensor[] unbind(long dimension = 0) => s_unbind.List(this, dimension);

        // ---- in place
        private static readonly Op s_copy_Op = "copy_(self,src,non_blocking)";
        public Tensor copy_(Tensor source, bool nonBlocking = false) { s_copy_Op.Run(this, source, nonBlocking); return this; }
        private static readonly Op s_fill_Op = "fill_.Scalar(self,value)";
        public Tensor fill_(Scalar value) { s_fill_Op.Run(this, value); return this; }
        private static readonly Op s_zero_Op = "zero_(self)";
        public Tensor zero_() { s_zero_Op.Run(this); return this; }
        private static readonly Op s_scatter_Op = "scatter_.src(self,dim,index,src)";
        public Tensor scatter_(long dim, Tensor index, Tensor src) { s_scatter_Op.Run(this, dim, index, src); return this; }
        private static readonly Op s_scatterAdd_Op = "scatter_add_(self,dim,index,src)";
        public Tensor scatter_add_(long dim, Tensor index, Tensor src) { s_scatterAdd_Op.Run(this, dim, index, src); return this; }
        private static readonly Op s_indexAdd_Op = "index_add_(self,dim,index,source,alpha)";
        public Tensor index_add_(long dim, Tensor index, Tensor source, Scalar alpha) { s_indexAdd_Op.Run(this, dim, index, source, alpha); return this; }
        private static readonly Op s_indexCopy_Op = "index_copy_(self,dim,index,source)";
        public Tensor index_copy_(long dim, Tensor index, Tensor source) { s_indexCopy_Op.Run(this, dim, index, source); return this; }
        private static readonly Op s_normal_Op = "normal_(self,mean,std,generator)";
        public Tensor normal_(double mean = 0d, double std = 1d, Generator generator = null) { s_normal_Op.Run(this, mean, std, generator); return this; }
        private static readonly Op s_uniform_Op = "uniform_(self,from,to,generator)";
        public Tensor uniform_(double from, double to, Generator generator = null) { s_uniform_Op.Run(this, from, to, generator); return this; }
        private static readonly Op s_bernoulli_Op = "bernoulli_.float(self,p,generator)";
        public Tensor bernoulli_(double p = 0.5d, Generator generator = null) { s_bernoulli_Op.Run(this, p, generator); return this; }
        private static readonly Op s_lerp_Op = "lerp_.Tensor(self,end,weight)";
        public Tensor lerp_(Tensor end, Tensor weight) { s_lerp_Op.Run(this, end, weight); return this; }
        private static readonly Op s_detach_Op = "detach_(self)";
        public Tensor detach_() { s_detach_Op.Run(this); return this; }

        // ---- types and devices
        private static readonly Op s_toType = "to.dtype(self,dtype,non_blocking,copy)";
        private static readonly Op s_toDevice = "to.device(self,device,dtype,non_blocking,copy)";
        public Tensor to_type(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            After(s_toType.T(this, type, non_blocking, copy), disposeAfter);
        public Tensor to(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => to_type(type, copy, disposeAfter, non_blocking);
        public Tensor to(Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => to(dtype, device, copy, disposeAfter, non_blocking);
        public Tensor to(DeviceType deviceType, int deviceIndex = -1, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(dtype, new Device(deviceType, deviceIndex), copy, disposeAfter, non_blocking);
        public Tensor to(string device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => to(dtype, new Device(device), copy, disposeAfter, non_blocking);
        public Tensor to(ScalarType type, Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false)
        {
            InitializeDeviceType(device.type);
            return After(s_toDevice.T(this, device, type, non_blocking, copy), disposeAfter);
        }
        public Tensor to(Tensor other, bool non_blocking = false) => to(other.dtype, other.device, false, false, non_blocking);
        public Tensor type_as(Tensor tensor) => to_type(tensor.dtype);
        public Tensor cpu() => to(torch.CPU);
        public Tensor cuda(Device device = null, bool non_blocking = false) => to(dtype, device ?? torch.CUDA, false, false, non_blocking);
        public Tensor @float() => to_type(ScalarType.Float32);
        public Tensor @double() => to_type(ScalarType.Float64);
        public Tensor @long() => to_type(ScalarType.Int64);
        public Tensor @int() => to_type(ScalarType.Int32);
        public Tensor @bool() => to_type(ScalarType.Bool);
        public Tensor half() => to_type(ScalarType.Float16);
        public Tensor bfloat16() => to_type(ScalarType.BFloat16);

        private Tensor After(Tensor result, bool disposeThis)
        {
            if (disposeThis) Dispose();
            return result;
        }
        private static readonly Op s_emptyLike = "empty_like(self,dtype,device)";
        public Tensor empty_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) => s_emptyLike.T(this, dtype, device).requires_grad_(requires_grad);
        private static readonly Op s_zerosLike = "zeros_like(self,dtype,device)";
        public Tensor zeros_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) => s_zerosLike.T(this, dtype, device).requires_grad_(requires_grad);
        private static readonly Op s_onesLike = "ones_like(self,dtype,device)";
        public Tensor ones_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) => s_onesLike.T(this, dtype, device).requires_grad_(requires_grad);
        private static readonly Op s_randLike = "rand_like(self,dtype,device)";
        public Tensor rand_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) => s_randLike.T(this, dtype, device).requires_grad_(requires_grad);
        private static readonly Op s_randnLike = "randn_like(self,dtype,device)";
        public Tensor randn_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) => s_randnLike.T(this, dtype, device).requires_grad_(requires_grad);
        private static readonly Op s_fullLike = "full_like(self,fill_value,dtype,device)";
        public Tensor full_like(Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false) => s_fullLike.T(this, value, dtype, device).requires_grad_(requires_grad);
        private static readonly Op s_newzeros = "new_zeros(self,size,dtype,device)";
        public Tensor new_zeros(long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false) => s_newzeros.T(this, size, dtype, device).requires_grad_(requires_grad);
        private static readonly Op s_newones = "new_ones(self,size,dtype,device)";
        public Tensor new_ones(long size, ScalarType? dtype = null, Device device = null, bool requires_grad = false) => s_newones.T(this, new[] { size }, dtype, device).requires_grad_(requires_grad);
        private static readonly Op s_newempty = "new_empty(self,size,dtype,device)";
        public Tensor new_empty(long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false) => s_newempty.T(this, size, dtype, device).requires_grad_(requires_grad);

        // ---- operators
        public static Tensor operator +(Tensor left, Tensor right) => left.add(right);
        public static Tensor operator +(Tensor left, Scalar right) => left.add(right);
        public static Tensor operator +(Scalar left, Tensor right) => right.add(left);
        public static Tensor operator +(Tensor left, int right) => left.add((Scalar)right);
        public static Tensor operator +(int left, Tensor right) => right.add((Scalar)left);
        public static Tensor operator +(Tensor left, long right) => left.add((Scalar)right);
        public static Tensor operator +(long left, Tensor right) => right.add((Scalar)left);
        public static Tensor operator +(Tensor left, float right) => left.add((Scalar)right);
        public static Tensor operator +(float left, Tensor right) => right.add((Scalar)left);
        public static Tensor operator +(Tensor left, double right) => left.add((Scalar)right);
        public static Tensor operator +(double left, Tensor right) => right.add((Scalar)left);
        public static Tensor operator -(Tensor left, Tensor right) => left.sub(right);
        public static Tensor operator -(Tensor left, Scalar right) => left.sub(right);
        public static Tensor operator -(Scalar left, Tensor right) => s_rsub.T(right, left);
        public static Tensor operator -(Tensor left, int right) => left.sub((Scalar)right);
        public static Tensor operator -(int left, Tensor right) => s_rsub.T(right, (Scalar)left);
        public static Tensor operator -(Tensor left, long right) => left.sub((Scalar)right);
        public static Tensor operator -(long left, Tensor right) => s_rsub.T(right, (Scalar)left);
        public static Tensor operator -(Tensor left, float right) => left.sub((Scalar)right);
        public static Tensor operator -(float left, Tensor right) => s_rsub.T(right, (Scalar)left);
        public static Tensor operator -(Tensor left, double right) => left.sub((Scalar)right);
        public static Tensor operator -(double left, Tensor right) => s_rsub.T(right, (Scalar)left);
        public static Tensor operator *(Tensor left, Tensor right) => left.mul(right);
        public static Tensor operator *(Tensor left, Scalar right) => left.mul(right);
        public static Tensor operator *(Scalar left, Tensor right) => right.mul(left);
        public static Tensor operator *(Tensor left, int right) => left.mul((Scalar)right);
        public static Tensor operator *(int left, Tensor right) => right.mul((Scalar)left);
        public static Tensor operator *(Tensor left, long right) => left.mul((Scalar)right);
        public static Tensor operator *(long left, Tensor right) => right.mul((Scalar)left);
        public static Tensor operator *(Tensor left, float right) => left.mul((Scalar)right);
        public static Tensor operator *(float left, Tensor right) => right.mul((Scalar)left);
        public static Tensor operator *(Tensor left, double right) => left.mul((Scalar)right);
        public static Tensor operator *(double left, Tensor right) => right.mul((Scalar)left);
        public static Tensor operator /(Tensor left, Tensor right) => left.div(right);
        public static Tensor operator /(Tensor left, Scalar right) => left.div(right);
        public static Tensor operator /(Scalar left, Tensor right) => right.reciprocal().mul(left);
        public static Tensor operator /(Tensor left, int right) => left.div((Scalar)right);
        public static Tensor operator /(int left, Tensor right) => right.reciprocal().mul((Scalar)left);
        public static Tensor operator /(Tensor left, long right) => left.div((Scalar)right);
        public static Tensor operator /(long left, Tensor right) => right.reciprocal().mul((Scalar)left);
        public static Tensor operator /(Tensor left, float right) => left.div((Scalar)right);
        public static Tensor operator /(float left, Tensor right) => right.reciprocal().mul((Scalar)left);
        public static Tensor operator /(Tensor left, double right) => left.div((Scalar)right);
        public static Tensor operator /(double left, Tensor right) => right.reciprocal().mul((Scalar)left);
        private static readonly Op s_rsub = "rsub.Scalar(self,other)";
        public static Tensor operator -(Tensor tensor) => tensor.neg();
        public static Tensor operator ~(Tensor left) => left.bitwise_not();
        public static Tensor operator &(Tensor left, Tensor right) => left.bitwise_and(right);
        public static Tensor operator |(Tensor left, Tensor right) => left.bitwise_or(right);
        public static Tensor operator ^(Tensor left, Tensor right) => left.bitwise_xor(right);
        public static Tensor operator ==(Tensor left, Tensor right) => left.eq(right);
        public static Tensor operator ==(Tensor left, Scalar right) => left.eq(right);
        public static Tensor operator ==(Scalar left, Tensor right) => right.eq(left);
        public static Tensor operator !=(Tensor left, Tensor right) => left.ne(right);
        public static Tensor operator !=(Tensor left, Scalar right) => left.ne(right);
        public static Tensor operator !=(Scalar left, Tensor right) => right.ne(left);
        public static Tensor operator <(Tensor left, Tensor right) => left.lt(right);
        public static Tensor operator <(Tensor left, Scalar right) => left.lt(right);
        public static Tensor operator <(Scalar left, Tensor right) => right.gt(left);
        public static Tensor operator <=(Tensor left, Tensor right) => left.le(right);
        public static Tensor operator <=(Tensor left, Scalar right) => left.le(right);
        public static Tensor operator <=(Scalar left, Tensor right) => right.ge(left);
        public static Tensor operator >(Tensor left, Tensor right) => left.gt(right);
        public static Tensor operator >(Tensor left, Scalar right) => left.gt(right);
        public static Tensor operator >(Scalar left, Tensor right) => right.lt(left);
        public static Tensor operator >=(Tensor left, Tensor right) => left.ge(right);
        public static Tensor operator >=(Tensor left, Scalar right) => left.ge(right);
        public static Tensor operator >=(Scalar left, Tensor right) => right.le(left);
        public override bool Equals(object obj) => obj is Tensor other && Equals(other);
        public override int GetHashCode() => base.GetHashCode();
        private static readonly Op s_equal = "equal(self,other)";
        public bool Equals(Tensor target) => ReferenceEquals(this, target) || (target is not null && !target.IsInvalid && !IsInvalid && s_equal.Number(this, target).ToBoolean());
    }
}
