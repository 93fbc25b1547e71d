//! Whose fault an error is: decided by the codes of CUDA's libraries, never by words.

use std::fmt;

/// Whose fault an error is. A variant exists because somebody reacts differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The device has not enough memory left. Something smaller, or elsewhere, may do.
    Memory,
    /// The device, its driver or CUDA's context in this process: nothing more can be computed here.
    Device,
    /// This program asked for something impossible (shapes, arguments, a file). The device is as good as before.
    Program,
}

/// An error of candle with its blame and one line of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Whose it is.
    pub blame: Blame,
    /// One line, without a backtrace.
    pub message: String,
}

impl Fault {
    /// What `error` says, without the backtraces and contexts that candle wraps around it.
    pub fn of(error: &candle_core::Error) -> Self {
        use candle_core::Error;
        match error {
            Error::WithBacktrace { inner, .. } => Self::of(inner),
            Error::Context { inner, context } => Self::of(inner).under(context),
            Error::WithPath { inner, path } => Self::of(inner).under(path.display()),
            Error::WrappedContext { wrapped, context } => {
                Self::of_dynamic(&**wrapped).under(context)
            }
            Error::Cuda(cause) => Self::of_dynamic(&**cause),
            other => Self::program(other),
        }
    }

    /// What this program did wrong.
    fn program(message: impl fmt::Display) -> Self {
        Self {
            blame: Blame::Program,
            message: one_line(&message.to_string()),
        }
    }

    fn under(mut self, context: impl fmt::Display) -> Self {
        self.message = one_line(&format!("{context}: {}", self.message));
        self
    }

    /// What an error without a static type is, or what it was caused by.
    fn of_dynamic(error: &(dyn std::error::Error + 'static)) -> Self {
        if let Some(error) = error.downcast_ref::<candle_core::Error>() {
            return Self::of(error);
        }
        #[cfg(feature = "cuda")]
        if let Some(fault) = cuda::fault(error) {
            return fault;
        }
        match error.source() {
            Some(source) => Self::of_dynamic(source).under(error),
            None => Self::program(error),
        }
    }
}

impl Blame {
    /// Of a code of CUDA's driver (`CUresult`).
    ///
    /// Codes that nobody knows are the device's: a process too many that starts anew does less harm than one that goes on
    /// with a lost context.
    pub fn of_driver(code: u32) -> Self {
        match code {
            // CUDA_ERROR_OUT_OF_MEMORY
            2 => Self::Memory,
            // CUDA_ERROR_INVALID_VALUE, INVALID_HANDLE, NOT_FOUND (a kernel's name), NOT_READY, LAUNCH_OUT_OF_RESOURCES,
            // COOPERATIVE_LAUNCH_TOO_LARGE: refused before anything ran. STREAM_CAPTURE_UNSUPPORTED to
            // CAPTURED_EVENT: a recording that cannot be.
            1 | 400 | 500 | 600 | 701 | 720 | 900..=907 => Self::Program,
            _ => Self::Device,
        }
    }

    /// Of a code of cuBLAS or cuBLASLt (`cublasStatus_t`).
    pub fn of_cublas(code: u32) -> Self {
        match code {
            // CUBLAS_STATUS_ALLOC_FAILED
            3 => Self::Memory,
            // CUBLAS_STATUS_INVALID_VALUE, NOT_SUPPORTED
            7 | 15 => Self::Program,
            _ => Self::Device,
        }
    }

    /// Of a code of cuRAND (`curandStatus_t`).
    pub fn of_curand(code: u32) -> Self {
        match code {
            // CURAND_STATUS_ALLOCATION_FAILED
            102 => Self::Memory,
            // CURAND_STATUS_TYPE_ERROR, OUT_OF_RANGE, LENGTH_NOT_MULTIPLE
            103..=105 => Self::Program,
            _ => Self::Device,
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(feature = "cuda")]
mod cuda {
    use candle_core::cuda_backend::CudaError;
    use candle_core::cuda_backend::cudarc::cublas::result::CublasError;
    use candle_core::cuda_backend::cudarc::curand::result::CurandError;
    use candle_core::cuda_backend::cudarc::driver::DriverError;

    use super::{Blame, Fault, one_line};

    /// What an error of CUDA's libraries is; `None` if it is none.
    pub(super) fn fault(error: &(dyn std::error::Error + 'static)) -> Option<Fault> {
        if let Some(error) = error.downcast_ref::<CudaError>() {
            return Some(match error {
                CudaError::Cuda(error) => driver(*error),
                CudaError::Cublas(error) => cublas(*error),
                CudaError::Curand(error) => curand(*error),
                CudaError::Load { cuda, module_name } => {
                    driver(*cuda).under(format!("the kernels `{module_name}`"))
                }
                other => Fault::program(other),
            });
        }
        if let Some(error) = error.downcast_ref::<DriverError>() {
            return Some(driver(*error));
        }
        if let Some(error) = error.downcast_ref::<CublasError>() {
            return Some(cublas(*error));
        }
        error
            .downcast_ref::<CurandError>()
            .map(|error| curand(*error))
    }

    fn driver(error: DriverError) -> Fault {
        // The text comes from the driver, which may be what is broken.
        let text = match error.error_string() {
            Ok(text) => format!("{} ({:?})", text.to_string_lossy(), error.0),
            Err(_) => format!("{:?}", error.0),
        };
        Fault {
            blame: Blame::of_driver(error.0 as u32),
            message: one_line(&text),
        }
    }

    fn cublas(error: CublasError) -> Fault {
        Fault {
            blame: Blame::of_cublas(error.0 as u32),
            message: format!("{:?}", error.0),
        }
    }

    fn curand(error: CurandError) -> Fault {
        Fault {
            blame: Blame::of_curand(error.0 as u32),
            message: format!("{:?}", error.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Error, Tensor};

    use super::*;

    #[test]
    fn codes_say_whose_fault_it_is() {
        for (code, blame) in [
            (1, Blame::Program),
            (2, Blame::Memory),
            (100, Blame::Device),
            (101, Blame::Device),
            (222, Blame::Device),
            (500, Blame::Program),
            (700, Blame::Device),
            (719, Blame::Device),
            (803, Blame::Device),
            (999, Blame::Device),
            (123_456, Blame::Device),
        ] {
            assert_eq!(Blame::of_driver(code), blame, "{code}");
        }
        assert_eq!(Blame::of_cublas(3), Blame::Memory);
        assert_eq!(Blame::of_cublas(7), Blame::Program);
        assert_eq!(Blame::of_cublas(13), Blame::Device);
        assert_eq!(Blame::of_curand(102), Blame::Memory);
        assert_eq!(Blame::of_curand(204), Blame::Device);
    }

    #[test]
    fn what_is_wrong_with_shapes_is_no_fault_of_a_device() {
        let ones = |columns: usize| {
            Tensor::ones((2, columns), candle_core::DType::F32, &Device::Cpu).unwrap()
        };
        let error = (ones(3) + ones(4)).unwrap_err();
        let fault = Fault::of(&error.context("adding").bt());
        assert_eq!(fault.blame, Blame::Program);
        assert!(fault.message.starts_with("adding: shape mismatch"));
    }

    /// Words decide nothing.
    #[test]
    fn a_message_about_memory_is_not_one_of_a_device() {
        let fault = Fault::of(&Error::Msg("CUDA_ERROR_OUT_OF_MEMORY".to_owned()));
        assert_eq!(fault.blame, Blame::Program);
    }

    #[test]
    fn a_fault_is_one_line_without_a_backtrace() {
        let backtraced = Error::WithBacktrace {
            inner: Box::new(Error::Msg("first\n  second".to_owned())),
            backtrace: Box::new(std::backtrace::Backtrace::force_capture()),
        };
        let nested = Error::Context {
            inner: Box::new(backtraced),
            context: Box::new("outer"),
        };
        assert_eq!(Fault::of(&nested).message, "outer: first second");
    }

    #[test]
    #[cfg(feature = "cuda")]
    fn errors_of_cuda_are_found_below_whatever_wraps_them() {
        use candle_core::cuda_backend::CudaError;
        use candle_core::cuda_backend::cudarc::cublas::{result::CublasError, sys};

        let full = CublasError(sys::cublasStatus_t::CUBLAS_STATUS_ALLOC_FAILED);
        let plain = Error::Cuda(Box::new(full)).bt();
        let wrapped = Error::from(CudaError::Cublas(full)).context("a product");
        for error in [plain, wrapped] {
            let fault = Fault::of(&error);
            assert_eq!(fault.blame, Blame::Memory, "{fault:?}");
            assert!(fault.message.ends_with("CUBLAS_STATUS_ALLOC_FAILED"));
        }
    }
}
