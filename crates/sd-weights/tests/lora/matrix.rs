//! Matrices of `f64`, for definitions.

/// The rows of a matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix(pub Vec<Vec<f64>>);

impl Matrix {
    pub fn new(columns: usize, values: &[f64]) -> Self {
        Self(values.chunks(columns).map(<[f64]>::to_vec).collect())
    }

    pub fn from_fn(rows: usize, columns: usize, value: impl Fn(usize, usize) -> f64) -> Self {
        Self((0..rows).map(|i| (0..columns).map(|j| value(i, j)).collect()).collect())
    }

    pub fn identity(size: usize) -> Self {
        Self::from_fn(size, size, |i, j| f64::from(u8::from(i == j)))
    }

    pub fn dims(&self) -> [usize; 2] {
        [self.0.len(), self.0[0].len()]
    }

    pub fn values(&self) -> Vec<f64> {
        self.0.concat()
    }

    pub fn transposed(&self) -> Self {
        let [rows, columns] = self.dims();
        Self::from_fn(columns, rows, |i, j| self.0[j][i])
    }

    pub fn times(&self, other: &Self) -> Self {
        let ([rows, inner], [_, columns]) = (self.dims(), other.dims());
        Self::from_fn(rows, columns, |i, j| (0..inner).map(|k| self.0[i][k] * other.0[k][j]).sum())
    }

    pub fn plus(&self, other: &Self) -> Self {
        let [rows, columns] = self.dims();
        Self::from_fn(rows, columns, |i, j| self.0[i][j] + other.0[i][j])
    }

    pub fn scaled(&self, factor: f64) -> Self {
        let [rows, columns] = self.dims();
        Self::from_fn(rows, columns, |i, j| factor * self.0[i][j])
    }

    pub fn minus(&self, other: &Self) -> Self {
        self.plus(&other.scaled(-1.0))
    }

    /// Solves `self · x = other` by Cramer's rule, column by column.
    pub fn solve(&self, other: &Self) -> Self {
        let determinant = self.determinant();
        let replaced = |column: usize, by: usize| {
            let [size, _] = self.dims();
            Self::from_fn(size, size, |i, j| if j == column { other.0[i][by] } else { self.0[i][j] })
        };
        let [rows, columns] = other.dims();
        Self::from_fn(rows, columns, |i, j| replaced(i, j).determinant() / determinant)
    }

    fn determinant(&self) -> f64 {
        if self.0.len() == 1 {
            return self.0[0][0];
        }
        let minor = |column: usize| {
            let row = |row: &Vec<f64>| row.iter().enumerate().filter(|(j, _)| *j != column).map(|(_, v)| *v).collect();
            Self(self.0[1..].iter().map(row).collect())
        };
        let sign = |column: usize| if column.is_multiple_of(2) { 1.0 } else { -1.0 };
        (0..self.0.len()).map(|column| sign(column) * self.0[0][column] * minor(column).determinant()).sum()
    }

    /// Puts matrices along a diagonal.
    pub fn block_diagonal(blocks: &[Self]) -> Self {
        let [size, _] = blocks[0].dims();
        let all = size * blocks.len();
        Self::from_fn(all, all, |i, j| if i / size == j / size { blocks[i / size].0[i % size][j % size] } else { 0.0 })
    }
}
